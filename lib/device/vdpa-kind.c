/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See vdpa-kind.h. */

#include "vdpa-kind.h"

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "made-name.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define DEVICES_DIR "bus/vdpa/devices"
#define NODE        "vhost-vdpa-"

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
