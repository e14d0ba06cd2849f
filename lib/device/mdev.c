/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See mdev.h. The folder <root>/class/mdev_bus/PARENT is a link to the parent's own folder; a
 * device's folder is in it. This file reads; mdev-make.c writes. */

#include "mdev.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "maker.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define PARENTS_DIR "class/mdev_bus"
#define DEVICES_DIR "bus/mdev/devices"
#define TYPES_DIR   "mdev_supported_types"
#define PARENT_PATH (sizeof(PARENTS_DIR "/") + VFA_MAKER_NAME_SIZE)

/* Calls `visit` for each name in a folder that vfa_maker_name_ok() allows, until it fails. A folder
 * that does not exist is empty. Returns 0 or a negative errno. */
static int each_folder_name(int dirfd, const char *path,
                            int (*visit)(int fd, const char *name, void *arg), void *arg)
{
    int fd = vfa_sysfs_opendir(dirfd, path), r = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (fd < 0)
        return errno == ENOENT || errno == ENODEV || errno == ENOTDIR ? 0 : -errno;
    if (!dir) {
        close(fd);
        return -ENOMEM;
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && vfa_maker_name_ok(entry->d_name))
            r = visit(fd, entry->d_name, arg);
    }
    closedir(dir);
    return r;
}

/* ---- types ---- */

/* Reads the file of a type that may be missing or too long. */
static int read_optional(int dirfd, const char *name, char *buf, size_t size)
{
    int r = vfa_sysfs_read(dirfd, name, buf, size);

    if (r == -EOVERFLOW)
        buf[size - 1] = '\0'; /* filled by the read */
    else if (r)
        *buf = '\0';
    return r == -EOVERFLOW || r == VFA_SYSFS_GONE ? 0 : r;
}

/* typesfd: the parent's folder of types. Returns 0, VFA_SYSFS_GONE or a negative errno. */
static int read_type(int typesfd, const char *type, struct vfa_mdev_type *ret)
{
    VFA_AUTO(vfa_closep) int dirfd = vfa_sysfs_opendir(typesfd, type);
    char number[16];
    int r;

    if (dirfd < 0)
        return errno == ENOENT || errno == ENODEV ? VFA_SYSFS_GONE : -errno;
    r = vfa_sysfs_read(dirfd, "available_instances", number, sizeof(number));
    if (r == 0)
        r = vfa_parse_u32(number, UINT32_MAX, &ret->available);
    if (r == 0)
        r = read_optional(dirfd, "name", ret->name, sizeof(ret->name));
    if (r == 0)
        r = read_optional(dirfd, "device_api", ret->api, sizeof(ret->api));
    strcpy(ret->type, type);
    return r;
}

static void find_parent(const struct vfa_sysfs *sysfs, const char *parent,
                        struct vfa_mdev_type *ret)
{
    char path[PARENT_PATH];

    *ret = (struct vfa_mdev_type){.parent = ""};
    strcpy(ret->parent, parent);
    snprintf(path, sizeof(path), PARENTS_DIR "/%s", parent);
    ret->has_function = vfa_maker_function(sysfs, path, &ret->function) == 0;
}

struct type_scan {
    const struct vfa_sysfs *sysfs;
    struct vfa_mdev_types *types;
    struct vfa_mdev_type model; /* what all types of the parent have in common */
};

static int scan_type(int fd, const char *name, void *arg)
{
    struct type_scan *scan = arg;
    struct vfa_mdev_type type = scan->model, *place;
    int r = read_type(fd, name, &type);

    if (r)
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EACCES ? r : 0;
    place = vfa_array_grow(&scan->types->items, scan->types->n);
    if (!place)
        return -ENOMEM;
    *place = type;
    scan->types->n++;
    return 0;
}

static int scan_parent(int fd, const char *name, void *arg)
{
    struct type_scan *scan = arg;
    char path[VFA_MAKER_NAME_SIZE + sizeof("/" TYPES_DIR)];

    find_parent(scan->sysfs, name, &scan->model);
    snprintf(path, sizeof(path), "%s/" TYPES_DIR, name);
    return each_folder_name(fd, path, scan_type, scan);
}

int vfa_mdev_types(const struct vfa_sysfs *sysfs, struct vfa_mdev_types *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdev_types_clear) struct vfa_mdev_types types = {NULL, 0};
    struct type_scan scan = {.sysfs = sysfs, .types = &types};
    int r = each_folder_name(sysfs->rootfd, PARENTS_DIR, scan_parent, &scan);

    if (r < 0)
        return vfa_fail(err, -r, "cannot read '%s': %s", PARENTS_DIR, strerror(-r));
    *ret = types;
    types = (struct vfa_mdev_types){NULL, 0};
    return 0;
}

void vfa_mdev_types_clear(struct vfa_mdev_types *types)
{
    free(types->items);
    *types = (struct vfa_mdev_types){NULL, 0};
}

int vfa_mdev_read_type(const struct vfa_sysfs *sysfs, const char *parent, const char *type,
                       struct vfa_mdev_type *ret, struct vfa_error *err)
{
    char path[PARENT_PATH + sizeof("/" TYPES_DIR)];
    VFA_AUTO(vfa_closep) int fd = -1;
    struct vfa_mdev_type found;
    int r;

    if (!vfa_maker_name_ok(parent) || !vfa_maker_name_ok(type))
        return VFA_MAKER_GONE;
    snprintf(path, sizeof(path), PARENTS_DIR "/%s/" TYPES_DIR, parent);
    fd = vfa_sysfs_opendir(sysfs->rootfd, path);
    find_parent(sysfs, parent, &found);
    r = fd >= 0 ? read_type(fd, type, &found) : errno == ENOENT ? VFA_SYSFS_GONE : -errno;
    if (r < 0)
        return vfa_fail(err, -r, "cannot read type '%s' of '%s': %s", type, parent, strerror(-r));
    if (r)
        return VFA_MAKER_GONE;
    *ret = found;
    return 0;
}

/* ---- devices ---- */

/* Reads the name of the folder that the device's folder is in. */
static int read_parent_name(const struct vfa_sysfs *sysfs, const char *link, char *ret, size_t size)
{
    char target[PATH_MAX], *name;
    ssize_t n = readlinkat(sysfs->rootfd, link, target, sizeof(target) - 1);

    if (n < 0)
        return errno == ENOENT ? VFA_SYSFS_GONE : -errno;
    target[n] = '\0';
    name = strrchr(target, '/');
    if (name)
        *name = '\0';
    name = name ? strrchr(target, '/') : NULL;
    if (!name || !vfa_maker_name_ok(name + 1))
        return VFA_SYSFS_GONE;
    snprintf(ret, size, "%s", name + 1);
    return 0;
}

static int read_iommu_group(int dirfd, int *ret)
{
    char name[16];
    uint32_t group;
    int r = vfa_sysfs_link(dirfd, "iommu_group", name, sizeof(name));

    *ret = -1;
    if (r == 0 && vfa_parse_u32(name, INT32_MAX, &group) == 0)
        *ret = (int)group;
    return r == VFA_SYSFS_GONE ? 0 : r;
}

/* Returns 0, VFA_SYSFS_GONE or a negative errno. */
static int read_mdev(const struct vfa_sysfs *sysfs, const char *uuid, struct vfa_mdev *ret)
{
    char path[sizeof(DEVICES_DIR "/") + VFA_UUID_SIZE];
    VFA_AUTO(vfa_closep) int dirfd = -1;
    int r;

    if (!vfa_uuid_parse(uuid, ret->uuid))
        return VFA_SYSFS_GONE;
    snprintf(path, sizeof(path), DEVICES_DIR "/%s", ret->uuid);
    dirfd = vfa_sysfs_opendir(sysfs->rootfd, path);
    if (dirfd < 0)
        return errno == ENOENT ? VFA_SYSFS_GONE : -errno;
    r = read_parent_name(sysfs, path, ret->parent, sizeof(ret->parent));
    if (r == 0)
        r = vfa_sysfs_link(dirfd, "mdev_type", ret->type, sizeof(ret->type));
    if (r == 0)
        r = read_iommu_group(dirfd, &ret->iommu_group);
    ret->has_function = vfa_maker_function(sysfs, path, &ret->function) == 0;
    return r;
}

int vfa_mdev_read(const struct vfa_sysfs *sysfs, const char *uuid, struct vfa_mdev *ret,
                  struct vfa_error *err)
{
    struct vfa_mdev mdev;
    int r = read_mdev(sysfs, uuid, &mdev);

    if (r < 0)
        return vfa_fail(err, -r, "cannot read mediated device '%s': %s", uuid, strerror(-r));
    if (r)
        return VFA_MAKER_GONE;
    *ret = mdev;
    return 0;
}

struct mdev_scan {
    const struct vfa_sysfs *sysfs;
    struct vfa_mdevs *mdevs;
};

static int scan_mdev(int fd, const char *name, void *arg)
{
    struct mdev_scan *scan = arg;
    struct vfa_mdev mdev, *place;
    int r = read_mdev(scan->sysfs, name, &mdev);

    if (r)
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EACCES ? r : 0;
    place = vfa_array_grow(&scan->mdevs->items, scan->mdevs->n);
    if (!place)
        return -ENOMEM;
    *place = mdev;
    scan->mdevs->n++;
    return 0;
}

int vfa_mdevs(const struct vfa_sysfs *sysfs, struct vfa_mdevs *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdevs_clear) struct vfa_mdevs mdevs = {NULL, 0};
    struct mdev_scan scan = {sysfs, &mdevs};
    int r = each_folder_name(sysfs->rootfd, DEVICES_DIR, scan_mdev, &scan);

    if (r < 0)
        return vfa_fail(err, -r, "cannot read '%s': %s", DEVICES_DIR, strerror(-r));
    *ret = mdevs;
    mdevs = (struct vfa_mdevs){NULL, 0};
    return 0;
}

void vfa_mdevs_clear(struct vfa_mdevs *mdevs)
{
    free(mdevs->items);
    *mdevs = (struct vfa_mdevs){NULL, 0};
}
