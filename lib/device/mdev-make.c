/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See mdev.h: makes and removes devices. Everything that the kernel may wait in is done by a
 * child. */

#include "mdev.h"

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "base/uuid.h"
#include "child.h"
#include "maker.h"
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TYPE_FILE   "class/mdev_bus/%s/mdev_supported_types/%s/create"
#define REMOVE_FILE "bus/mdev/devices/%s/remove"
#define GROUP_NODE  VFA_MAKER_DEV "/vfio/%d"

struct mdev_errand {
    const struct vfa_sysfs *sysfs;
    const char *parent, *type; /* for create */
    char uuid[VFA_UUID_SIZE];
    const char *what;
};

/* ---- in the child ---- */

static int create_mdev(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    const struct mdev_errand *errand = arg;
    char path[sizeof(TYPE_FILE) + 2 * VFA_MAKER_NAME_SIZE];
    int r;

    snprintf(path, sizeof(path), TYPE_FILE, errand->parent, errand->type);
    r = vfa_maker_write(errand->sysfs->rootfd, path, errand->uuid);
    if (r == VFA_SYSFS_GONE || r == -ENODEV)
        return VFA_MAKER_GONE;
    if (r == -EEXIST)
        return vfa_maker_refuse(VFA_MAKER_EXISTS, err, EEXIST,
                                "cannot %s: a device with this UUID exists", errand->what);
    if (r == -ENOSPC || r == -EUSERS)
        return vfa_maker_refuse(VFA_MAKER_FULL, err, -r,
                                "cannot %s: the parent can make no more devices", errand->what);
    return r < 0 ? vfa_fail(err, -r, "cannot %s: %s", errand->what, strerror(-r)) : 0;
}

/* Whether the kernel has a node for the group: not without CONFIG_VFIO_GROUP, or any more. */
static bool has_group_node(const struct mdev_errand *errand, int group)
{
    char path[sizeof("class/vfio/") + 12];

    snprintf(path, sizeof(path), "class/vfio/%d", group);
    return faccessat(errand->sysfs->rootfd, path, F_OK, 0) == 0;
}

/* Opens the IOMMU group. *ret_fd is -1 if it has no node. Returns 0, VFA_MAKER_OPEN or an error. A
 * node that the group has and that cannot be opened is an error: a confined process may have a /dev
 * of its own. */
static int open_mdev_group(const struct mdev_errand *errand, int group, int *ret_fd,
                           struct vfa_error *err)
{
    char path[sizeof(GROUP_NODE) + 12];
    int error;

    if (group < 0)
        return 0;
    snprintf(path, sizeof(path), GROUP_NODE, group);
    *ret_fd = openat(errand->sysfs->rootfd, path, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    error = *ret_fd < 0 ? errno : 0;
    if (error == EBUSY)
        return vfa_maker_refuse(VFA_MAKER_OPEN, err, EBUSY,
                                "cannot %s: a program has '/dev/vfio/%d' open", errand->what,
                                group);
    if (error && has_group_node(errand, group))
        return vfa_fail(err, error, "cannot open '/dev/vfio/%d': %s", group, strerror(error));
    return 0;
}

static int hold_mdev_group(const struct mdev_errand *errand, int *ret_fd, struct vfa_error *err)
{
    struct vfa_mdev mdev;
    int r = vfa_mdev_read(errand->sysfs, errand->uuid, &mdev, err);

    return r ? r : open_mdev_group(errand, mdev.iommu_group, ret_fd, err);
}

static int check_mdev_group(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = -1;

    return hold_mdev_group(arg, &fd, err);
}

static int remove_mdev_held(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    const struct mdev_errand *errand = arg;
    char path[sizeof(REMOVE_FILE) + VFA_UUID_SIZE];
    VFA_AUTO(vfa_closep) int fd = -1;
    int r = hold_mdev_group(errand, &fd, err);

    if (r)
        return r;
    snprintf(path, sizeof(path), REMOVE_FILE, errand->uuid);
    r = vfa_maker_write(errand->sysfs->rootfd, path, "1");
    if (r == VFA_SYSFS_GONE || r == -ENODEV)
        return VFA_MAKER_GONE;
    return r < 0 ? vfa_fail(err, -r, "cannot %s: %s", errand->what, strerror(-r)) : 0;
}

/* ---- in the parent ---- */

static int run_mdev_errand(struct mdev_errand *errand, unsigned limit_ms,
                           int (*run)(void *arg, struct vfa_io_data *ret, struct vfa_error *err),
                           struct vfa_error *err)
{
    if (!vfa_sysfs_is_host(errand->sysfs))
        return VFA_MAKER_ABSENT;
    return vfa_child_run(&(struct vfa_child){.run = run,
                                             .arg = errand,
                                             .what = errand->what,
                                             .limit_ms = limit_ms,
                                             .keep = {errand->sysfs->rootfd, -1}},
                         NULL, err);
}

int vfa_mdev_create(const struct vfa_sysfs *sysfs, const char *parent, const char *type,
                    const char *uuid, unsigned limit_ms, struct vfa_error *err)
{
    struct mdev_errand errand = {.sysfs = sysfs, .parent = parent, .type = type};
    char what[64 + VFA_UUID_SIZE + 2 * VFA_MAKER_NAME_SIZE];

    if (!vfa_uuid_parse(uuid, errand.uuid))
        return vfa_fail(err, EINVAL, "cannot make mediated device '%s': not a UUID", uuid);
    if (!vfa_maker_name_ok(parent) || !vfa_maker_name_ok(type))
        return VFA_MAKER_GONE;
    snprintf(what, sizeof(what), "make mediated device '%s' of type '%s' on '%s'", errand.uuid,
             type, parent);
    errand.what = what;
    return run_mdev_errand(&errand, limit_ms, create_mdev, err);
}

int vfa_mdev_check_open(const struct vfa_sysfs *sysfs, const char *uuid, unsigned limit_ms,
                        struct vfa_error *err)
{
    struct mdev_errand errand = {.sysfs = sysfs};
    char what[64 + VFA_UUID_SIZE];

    if (!vfa_uuid_parse(uuid, errand.uuid))
        return VFA_MAKER_GONE;
    snprintf(what, sizeof(what), "open mediated device '%s'", errand.uuid);
    errand.what = what;
    return run_mdev_errand(&errand, limit_ms, check_mdev_group, err);
}

int vfa_mdev_remove(const struct vfa_sysfs *sysfs, const char *uuid, unsigned limit_ms,
                    struct vfa_error *err)
{
    struct mdev_errand errand = {.sysfs = sysfs};
    char what[64 + VFA_UUID_SIZE];

    if (!vfa_uuid_parse(uuid, errand.uuid))
        return VFA_MAKER_GONE;
    snprintf(what, sizeof(what), "remove mediated device '%s'", errand.uuid);
    errand.what = what;
    return run_mdev_errand(&errand, limit_ms, remove_mdev_held, err);
}
