/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See vdpa-kind.h. */

#include "vdpa-kind.h"

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "maker.h"
#include "on-function.h"
#include "private.h"
#include "sysfs.h"
#include "vdpa-node.h"
#include "vdpa.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define DEVICES_DIR    "bus/vdpa/devices"
#define NODE           "vhost-vdpa-"
#define MGMTDEV_PREFIX "mgmtdev:"
#define LIMIT_MS       2000 /* of a request that only reads */

/* What stands behind the prefix, or NULL. */
static const char *name_behind(const char *id, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(id, prefix, len) == 0 && id[len] ? id + len : NULL;
}

bool vfa_vdpa_has_id(const char *id)
{
    return name_behind(id, VFA_VDPA_PREFIX) || name_behind(id, MGMTDEV_PREFIX);
}

/* ---- management devices ---- */

/* False: it makes devices of other classes only. */
static bool type_of_classes(uint64_t classes, enum vfa_dev_type *ret)
{
    if (classes & UINT64_C(1) << VFA_VIRTIO_NET)
        *ret = VFA_TYPE_VDPA;
    else if (classes & UINT64_C(1) << VFA_VIRTIO_BLOCK)
        *ret = VFA_TYPE_VDPA_BLOCK;
    else
        return false;
    return true;
}

/* Asks the kernel for nothing. */
static int describe_mgmtdev(const struct vfa_sysfs *sysfs, const char *name, enum vfa_dev_type type,
                            struct vfa_device *ret, struct vfa_error *err)
{
    struct vfa_pci_addr function;
    char id[sizeof(MGMTDEV_PREFIX) + VFA_MAKER_NAME_SIZE];
    int r;

    snprintf(id, sizeof(id), MGMTDEV_PREFIX "%s", name);
    if (!vfa_device_id_ok(id))
        return VFA_SYSFS_GONE;
    *ret = vfa_device_unknown(id);
    ret->type = type;
    ret->makes = strchr(name, '/') ? 1 : VFA_MAKES_MANY; /* "BUS/NAME" */
    r = vfa_vdpa_mgmtdev_function(sysfs, name, &function);
    return r == 0 ? vfa_on_function(sysfs, &function, ret, err) : 0;
}

/* VFA_SYSFS_GONE: nothing that could be given to a guest. */
static int fill_mgmtdev(const struct vfa_sysfs *sysfs, const struct vfa_vdpa_mgmtdev *mgmtdev,
                        struct vfa_device *ret, struct vfa_error *err)
{
    enum vfa_dev_type type;

    if (!type_of_classes(mgmtdev->classes, &type))
        return VFA_SYSFS_GONE;
    return describe_mgmtdev(sysfs, mgmtdev->name, type, ret, err);
}

static int add_mgmtdev(const struct vfa_sysfs *sysfs, const struct vfa_vdpa_mgmtdev *mgmtdev,
                       struct vfa_device_list *list, struct vfa_error *err)
{
    struct vfa_device *dev = vfa_device_list_add(list);
    int r = dev ? fill_mgmtdev(sysfs, mgmtdev, dev, err) : vfa_fail_oom(err);

    if (r == VFA_SYSFS_GONE)
        list->n--; /* nothing was filled in */
    return r < 0 ? r : 0;
}

static int scan_mgmtdevs(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_vdpa_mgmtdevs_clear) struct vfa_vdpa_mgmtdevs mgmtdevs = {NULL, 0};
    int r = vfa_vdpa_mgmtdevs(sysfs, LIMIT_MS, &mgmtdevs, err);

    for (size_t i = 0; r == 0 && i < mgmtdevs.n; i++)
        r = add_mgmtdev(sysfs, &mgmtdevs.items[i], list, err);
    return r < 0 ? r : 0; /* no family "vdpa": no management devices */
}

static int read_mgmtdev(const struct vfa_sysfs *sysfs, const char *name, struct vfa_device *ret,
                        struct vfa_error *err)
{
    struct vfa_vdpa_mgmtdev mgmtdev;
    int r = vfa_vdpa_read_mgmtdev(sysfs, name, LIMIT_MS, &mgmtdev, err);

    if (r != 0)
        return r < 0 ? r : VFA_SYSFS_GONE;
    return fill_mgmtdev(sysfs, &mgmtdev, ret, err);
}

/* ---- devices ---- */

/* Reads what sysfs has, which is all but the maker. */
static int describe_device(const struct vfa_sysfs *sysfs, const char *name, enum vfa_dev_type type,
                           struct vfa_device *ret, struct vfa_error *err)
{
    char id[sizeof(VFA_VDPA_PREFIX) + VFA_MAKER_NAME_SIZE];
    struct vfa_vdpa_node node = {.node = ""};
    int r;

    snprintf(id, sizeof(id), VFA_VDPA_PREFIX "%s", name);
    if (!vfa_device_id_ok(id))
        return VFA_SYSFS_GONE;
    r = vfa_vdpa_node(sysfs, name, &node, err);
    if (r != 0)
        return r < 0 ? r : VFA_SYSFS_GONE;
    *ret = vfa_device_unknown(id);
    ret->type = type;
    if (*node.node && asprintf(&ret->path, "/dev/%s", node.node) < 0) {
        ret->path = NULL;
        return vfa_fail_oom(err);
    }
    return node.has_function ? vfa_on_function(sysfs, &node.function, ret, err) : 0;
}

static int fill_device(const struct vfa_sysfs *sysfs, const struct vfa_vdpa_device *device,
                       struct vfa_device *ret, struct vfa_error *err)
{
    enum vfa_dev_type type;
    int r;

    if (!type_of_classes(UINT64_C(1) << device->id, &type))
        return VFA_SYSFS_GONE;
    r = describe_device(sysfs, device->name, type, ret, err);
    if (r != 0)
        return r;
    if (asprintf(&ret->maker, MGMTDEV_PREFIX "%s", device->mgmtdev) >= 0)
        return 0;
    ret->maker = NULL;
    return vfa_fail_oom(err);
}

/* Most of the devices are made by vfalias: then there is nothing to ask the kernel for. */
static bool has_others(const struct vfa_sysfs *sysfs)
{
    int fd = vfa_sysfs_opendir(sysfs->rootfd, DEVICES_DIR);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool found = false;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (!found && (entry = readdir(dir)))
        found = entry->d_name[0] != '.' && !vfa_made_is_pattern(entry->d_name);
    closedir(dir);
    return found;
}

static int add_device(const struct vfa_sysfs *sysfs, const struct vfa_vdpa_device *device,
                      struct vfa_device_list *list, struct vfa_error *err)
{
    struct vfa_device *dev;
    int r;

    if (vfa_made_is_pattern(device->name))
        return 0;
    dev = vfa_device_list_add(list);
    r = dev ? fill_device(sysfs, device, dev, err) : vfa_fail_oom(err);
    if (r == VFA_SYSFS_GONE)
        list->n--; /* nothing was filled in */
    return r < 0 ? r : 0;
}

static int scan_devices(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_vdpa_devices_clear) struct vfa_vdpa_devices devices = {NULL, 0};
    int r = has_others(sysfs) ? vfa_vdpa_devices(sysfs, LIMIT_MS, &devices, err) : 0;

    for (size_t i = 0; r == 0 && i < devices.n; i++)
        r = add_device(sysfs, &devices.items[i], list, err);
    return r < 0 ? r : 0;
}

/* Of a device that vfalias has made, the claim and its recipe have the maker and the rest. */
static int read_device(const struct vfa_sysfs *sysfs, const char *name, struct vfa_device *ret,
                       struct vfa_error *err)
{
    struct vfa_vdpa_device device;
    int r;

    if (vfa_made_is_pattern(name))
        return describe_device(sysfs, name, VFA_TYPE_VDPA, ret, err);
    r = vfa_vdpa_read(sysfs, name, LIMIT_MS, &device, err);

    if (r != 0)
        return r < 0 ? r : VFA_SYSFS_GONE;
    return fill_device(sysfs, &device, ret, err);
}

/* ---- the row ---- */

int vfa_vdpa_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                  struct vfa_error *err)
{
    int r = scan_mgmtdevs(sysfs, list, err);

    return r == 0 ? scan_devices(sysfs, list, err) : r;
}

int vfa_vdpa_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    const char *mgmtdev = name_behind(id, MGMTDEV_PREFIX);
    int r = mgmtdev ? read_mgmtdev(sysfs, mgmtdev, &dev, err)
                    : read_device(sysfs, name_behind(id, VFA_VDPA_PREFIX), &dev, err);

    if (r != 0)
        return r;
    *ret = dev;
    dev = (struct vfa_device){0};
    return 0;
}

int vfa_vdpa_read_again(const struct vfa_sysfs *sysfs, const struct vfa_device *found,
                        struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    const char *mgmtdev = name_behind(found->id, MGMTDEV_PREFIX);
    int r;

    if (!mgmtdev)
        return vfa_vdpa_read_id(sysfs, found->id, ret, err);
    r = describe_mgmtdev(sysfs, mgmtdev, found->type, &dev, err);
    if (r != 0)
        return r;
    *ret = dev;
    dev = (struct vfa_device){0};
    return 0;
}

/* A management device that is there can be asked; whether it is full, only making tells. */
int vfa_vdpa_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                   struct vfa_health *ret, struct vfa_error *err)
{
    struct vfa_health health = {.use = {.fault = VFA_HEALTH_NONE}};
    struct vfa_vdpa_node node;
    const char *name = name_behind(dev->id, VFA_VDPA_PREFIX);
    int r = name ? vfa_vdpa_node(health_context->sysfs, name, &node, err) : 0;

    if (r < 0)
        return r;
    if (name && r == 0 && *node.driver && strcmp(node.driver, "vhost_vdpa") != 0)
        vfa_health_report_fault(&health.use, VFA_HEALTH_NETDEV,
                                "it is bound to %s: the host uses it", node.driver);
    *ret = health;
    return 0;
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/' && path[len + 1] &&
           !strstr(path, "/../") && !strstr(path, "//") &&
           (strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

int vfa_vdpa_derive(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                    struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device made = {0};
    char name[VFA_MADE_VDPA_SIZE], id[VFA_DEVICE_ID_SIZE];
    int r;

    if (made_for->source && !is_below(made_for->source, made_for->folder))
        return vfa_fail(err, EINVAL, "its source '%s' is not below '%s/'", made_for->source,
                        made_for->folder);
    vfa_made_vdpa_name(made_for->uuid, made_for->request, name);
    snprintf(id, sizeof(id), VFA_VDPA_PREFIX "%s", name);
    r = vfa_of_maker(maker, id, &made, err);
    if (r < 0)
        return r;
    if (made_for->source)
        made.path = strdup(made_for->source);
    else if (asprintf(&made.path, "%s/%s/%s", made_for->folder, made_for->uuid, made_for->request) <
             0)
        made.path = NULL;
    if (!made.path)
        return vfa_fail_oom(err);
    *ret = made;
    made = (struct vfa_device){0};
    return 0;
}

/* ---- the device of a node ---- */

static bool has_node(int devices_fd, const char *name, const char *node)
{
    char path[NAME_MAX * 2 + 2];

    snprintf(path, sizeof(path), "%s/%s", name, node);
    return faccessat(devices_fd, path, F_OK, 0) == 0;
}

/* The kernel has no link from a node to its device: the device's folder has the node's name. */
static int find_by_node(DIR *dir, const char *node, char *ret)
{
    const struct dirent *entry;

    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || !has_node(dirfd(dir), entry->d_name, node))
            continue;
        if (snprintf(ret, VFA_DEVICE_ID_SIZE, VFA_VDPA_PREFIX "%s", entry->d_name) <
                VFA_DEVICE_ID_SIZE &&
            vfa_device_id_ok(ret))
            return 0;
    }
    return VFA_SYSFS_GONE;
}

int vfa_vdpa_of_node(const struct vfa_sysfs *sysfs, const char *path, char *ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *real = realpath(path, NULL);
    const char *base = strrchr(real ? real : path, '/');
    const char *node = base ? base + 1 : path;
    DIR *dir;
    int fd, r;

    if (strncmp(node, NODE, strlen(NODE)) != 0 || strlen(node) > NAME_MAX)
        return VFA_SYSFS_GONE;
    fd = vfa_sysfs_opendir(sysfs->rootfd, DEVICES_DIR);
    if (fd < 0)
        return VFA_SYSFS_GONE;
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return vfa_fail_oom(err);
    }
    r = find_by_node(dir, node, ret);
    closedir(dir);
    return r;
}
