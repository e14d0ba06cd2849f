/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vdpa-node.h. All writes, and each open of a node, are made in a child: they wait for the lock
 * of the device.
 *
 * Invariant: nothing in this file sends DEV_DEL before a write to "unbind" has returned.
 */

#include "vdpa-node.h"

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "base/parse.h"
#include "child.h"
#include "maker.h"
#include "sysfs.h"
#include "vdpa-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define DEVICES_DIR "bus/vdpa/devices"
#define DRIVERS_DIR "bus/vdpa/drivers"
#define VHOST       "vhost_vdpa"
#define NODE_PREFIX "vhost-vdpa-"
#define WHAT_SIZE   (64 + VFA_MAKER_NAME_SIZE)
#define PATH_SIZE   (sizeof(DEVICES_DIR "//driver_override") + VFA_MAKER_NAME_SIZE)

/* ---- reading ---- */

static bool is_node_name(const char *name)
{
    uint32_t minor;

    return strncmp(name, NODE_PREFIX, strlen(NODE_PREFIX)) == 0 &&
           vfa_parse_u32(name + strlen(NODE_PREFIX), UINT32_MAX, &minor) == 0 &&
           strlen(name) < VFA_VDPA_NODE_SIZE;
}

/* Returns 0 or a negative errno. */
static int find_node(int dirfd, char ret[VFA_VDPA_NODE_SIZE])
{
    int fd = vfa_sysfs_opendir(dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    *ret = '\0';
    if (!dir) {
        vfa_closep(&fd);
        return fd < 0 ? -errno : -ENOMEM;
    }
    while (!*ret && (entry = readdir(dir))) {
        if (is_node_name(entry->d_name))
            strcpy(ret, entry->d_name);
    }
    closedir(dir);
    return 0;
}

/* Returns 0, VFA_MAKER_GONE or a negative errno. */
static int read_vdpa_node(const struct vfa_sysfs *sysfs, const char *name,
                          struct vfa_vdpa_node *ret)
{
    struct vfa_vdpa_node node = {.driver = ""};
    VFA_AUTO(vfa_closep) int dirfd = -1;
    char path[PATH_SIZE];
    int r;

    snprintf(path, sizeof(path), DEVICES_DIR "/%s", name);
    dirfd = vfa_maker_name_ok(name) ? vfa_sysfs_opendir(sysfs->rootfd, path) : -1;
    if (dirfd < 0)
        return !vfa_maker_name_ok(name) || errno == ENOENT ? VFA_MAKER_GONE : -errno;
    r = vfa_sysfs_link(dirfd, "driver", node.driver, sizeof(node.driver));
    if (r == 0 || r == VFA_SYSFS_GONE)
        r = find_node(dirfd, node.node);
    if (r == 0)
        r = vfa_maker_function(sysfs, path, &node.function);
    if (r < 0)
        return r == -ENOENT ? VFA_MAKER_GONE : r;
    node.has_function = r == 0;
    *ret = node;
    return 0;
}

int vfa_vdpa_node(const struct vfa_sysfs *sysfs, const char *name, struct vfa_vdpa_node *ret,
                  struct vfa_error *err)
{
    int r = read_vdpa_node(sysfs, name, ret);

    return r < 0 ? vfa_fail(err, -r, "cannot read vDPA device '%s': %s", name, strerror(-r)) : r;
}

/* ---- in the child ---- */

struct vdpa_errand {
    const struct vfa_sysfs *sysfs;
    const char *name;
    const char *what; /* completes "cannot ..." */
};

static int write_to_driver(const struct vdpa_errand *errand, const char *driver, const char *file)
{
    char path[sizeof(DRIVERS_DIR "//unbind") + 32];

    snprintf(path, sizeof(path), DRIVERS_DIR "/%s/%s", driver, file);
    return vfa_maker_write(errand->sysfs->rootfd, path, errand->name);
}

static bool has_node(const struct vdpa_errand *errand, const char *node)
{
    char path[PATH_SIZE + VFA_VDPA_NODE_SIZE];

    snprintf(path, sizeof(path), DEVICES_DIR "/%s/%s", errand->name, node);
    return faccessat(errand->sysfs->rootfd, path, F_OK, 0) == 0;
}

/* Opens the node and closes it. Returns 0, VFA_MAKER_OPEN or a negative errno. A node that the
 * device has and that cannot be opened is an error: a confined process may have a /dev of its own. */
static int try_vdpa_node(const struct vdpa_errand *errand, const char *node)
{
    char path[sizeof(VFA_MAKER_DEV "/") + VFA_VDPA_NODE_SIZE];
    VFA_AUTO(vfa_closep) int fd = -1;
    int error;

    if (!*node)
        return 0;
    snprintf(path, sizeof(path), VFA_MAKER_DEV "/%s", node);
    fd = openat(errand->sysfs->rootfd, path, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    error = fd < 0 ? errno : 0;
    if (error == EBUSY)
        return VFA_MAKER_OPEN;
    return has_node(errand, node) ? -error : 0; /* else it has vanished */
}

static int fail_open_check(const struct vdpa_errand *errand, const char *node, int r,
                           struct vfa_error *err)
{
    if (r == VFA_MAKER_OPEN)
        return vfa_maker_refuse(r, err, EBUSY, "cannot %s: a program has '/dev/%s' open",
                                errand->what, node);
    return r < 0 ? vfa_fail(err, -r, "cannot open '/dev/%s': %s", node, strerror(-r)) : r;
}

static int check_vdpa_open(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    const struct vdpa_errand *errand = arg;
    struct vfa_vdpa_node node;
    int r = vfa_vdpa_node(errand->sysfs, errand->name, &node, err);

    if (r)
        return r;
    return fail_open_check(errand, node.node, try_vdpa_node(errand, node.node), err);
}

/* Unbinds vhost_vdpa from a device that nobody has open. */
static int vacate_vdpa(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    const struct vdpa_errand *errand = arg;
    int r = check_vdpa_open(arg, ret, err);

    if (r)
        return r;
    r = write_to_driver(errand, VHOST, "unbind");
    if (r == VFA_SYSFS_GONE || r == -ENODEV) /* no such driver, or not bound to it */
        return 0;
    if (r < 0)
        return vfa_fail(err, -r, "cannot %s: cannot unbind vhost_vdpa: %s", errand->what,
                        strerror(-r));
    return r;
}

static int override_driver(const struct vdpa_errand *errand)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), DEVICES_DIR "/%s/driver_override", errand->name);
    return vfa_maker_write(errand->sysfs->rootfd, path, VHOST);
}

static int fail_bind(const struct vdpa_errand *errand, int r, struct vfa_error *err)
{
    if (r == VFA_SYSFS_GONE)
        return vfa_fail(err, ENODEV, "cannot %s: module vhost_vdpa is not loaded", errand->what);
    return vfa_fail(err, -r, "cannot %s: %s", errand->what, strerror(-r));
}

static int rebind_vdpa(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    const struct vdpa_errand *errand = arg;
    struct vfa_vdpa_node node;
    int r = vfa_vdpa_node(errand->sysfs, errand->name, &node, err);

    if (r)
        return r;
    r = override_driver(errand);
    if (r == VFA_SYSFS_GONE)
        return VFA_MAKER_GONE;
    if (r == 0 && node.driver[0])
        r = write_to_driver(errand, node.driver, "unbind");
    if (r == 0 || r == -ENODEV)
        r = write_to_driver(errand, VHOST, "bind");
    return r ? fail_bind(errand, r, err) : 0;
}

/* ---- in the parent ---- */

static int run_errand(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                      const char *what,
                      int (*run)(void *arg, struct vfa_io_data *ret, struct vfa_error *err),
                      struct vfa_error *err)
{
    struct vdpa_errand errand = {sysfs, name, what};

    if (!vfa_maker_name_ok(name))
        return VFA_MAKER_GONE;
    if (!vfa_sysfs_is_host(sysfs))
        return VFA_MAKER_ABSENT;
    return vfa_child_run(&(struct vfa_child){.run = run,
                                             .arg = &errand,
                                             .what = what,
                                             .limit_ms = limit_ms,
                                             .keep = {sysfs->rootfd, -1}},
                         NULL, err);
}

static bool has_vhost_node(const struct vfa_vdpa_node *node)
{
    return strcmp(node->driver, VHOST) == 0 && node->node[0];
}

int vfa_vdpa_bind(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                  struct vfa_vdpa_node *ret, struct vfa_error *err)
{
    char what[WHAT_SIZE];
    struct vfa_vdpa_node node;
    int r = vfa_vdpa_node(sysfs, name, &node, err);

    snprintf(what, sizeof(what), "bind vDPA device '%s' to vhost_vdpa", name);
    if (r == 0 && !has_vhost_node(&node)) {
        r = run_errand(sysfs, name, limit_ms, what, rebind_vdpa, err);
        if (r == 0)
            r = vfa_vdpa_node(sysfs, name, &node, err);
        if (r == 0 && !has_vhost_node(&node))
            r = vfa_fail(err, ENODEV, "cannot %s: the kernel made no node", what);
    }
    if (r == 0)
        *ret = node;
    return r;
}

int vfa_vdpa_check_open(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                        struct vfa_error *err)
{
    char what[WHAT_SIZE];

    snprintf(what, sizeof(what), "open vDPA device '%s'", name);
    return run_errand(sysfs, name, limit_ms, what, check_vdpa_open, err);
}

int vfa_vdpa_delete(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    char what[WHAT_SIZE];
    int r;

    snprintf(what, sizeof(what), "delete vDPA device '%s'", name);
    r = run_errand(sysfs, name, limit_ms, what, vacate_vdpa, &why);
    if (r == 0)
        return vfa_vdpa_delete_unbound(sysfs, name, limit_ms, err);
    if (r == -ETIMEDOUT) /* somebody opened it after the check, or before an earlier unbind */
        return vfa_maker_refuse(VFA_MAKER_OPEN, err, EBUSY,
                                "cannot %s: the unbind from vhost_vdpa waits in the kernel", what);
    if (why.code)
        (void)vfa_error_move(err, &why);
    return r;
}
