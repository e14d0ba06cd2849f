/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See bridge-kind.h. */

#include "bridge-kind.h"

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "sysfs.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#define BRIDGE_PREFIX "bridge:"

/* The name of the bridge in an identity. */
static bool split_bridge(const char *id, char ret[IFNAMSIZ])
{
    const size_t skip = strlen(BRIDGE_PREFIX);
    size_t len;

    if (strncmp(id, BRIDGE_PREFIX, skip) != 0)
        return false;
    len = strcspn(id + skip, "/");
    if (len == 0 || len >= IFNAMSIZ || !id[skip + len] || !id[skip + len + 1])
        return false;
    memcpy(ret, id + skip, len);
    ret[len] = '\0';
    return strcmp(ret, ".") != 0 && strcmp(ret, "..") != 0;
}

void vfa_bridge_id(const char *bridge, const char *uuid, const char *request, char *ret)
{
    char name[VFA_MADE_VDPA_SIZE];

    snprintf(ret, VFA_DEVICE_ID_SIZE, BRIDGE_PREFIX "%.15s/%s", bridge,
             vfa_made_vdpa_name(uuid, request, name));
}

bool vfa_bridge_has_id(const char *id)
{
    char bridge[IFNAMSIZ];

    return split_bridge(id, bridge);
}

int vfa_bridge_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                    struct vfa_error *err)
{
    return 0;
}

/* Whether the interface has the entry. `entry` begins with a slash, or is "". */
static int has_entry(const struct vfa_sysfs *sysfs, const char *bridge, const char *entry,
                     bool *ret, struct vfa_error *err)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "class/net/%s%s", bridge, entry);
    *ret = fstatat(sysfs->rootfd, path, &st, 0) == 0;
    if (*ret || errno == ENOENT || errno == ENOTDIR)
        return 0;
    return vfa_fail(err, errno, "cannot read bridge '%s': %s", bridge, strerror(errno));
}

/* An interface of Open vSwitch has neither folder nor device. */
static int find_bridge(const struct vfa_sysfs *sysfs, const char *bridge, struct vfa_error *err)
{
    bool there = false, is_bridge = false, has_device = false;
    int r = has_entry(sysfs, bridge, "", &there, err);

    if (r == 0)
        r = has_entry(sysfs, bridge, "/bridge", &is_bridge, err);
    if (r == 0)
        r = has_entry(sysfs, bridge, "/device", &has_device, err);
    if (r < 0)
        return r;
    return there && (is_bridge || !has_device) ? 0 : VFA_SYSFS_GONE;
}

int vfa_bridge_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                       struct vfa_error *err)
{
    char bridge[IFNAMSIZ];
    int r = split_bridge(id, bridge) ? find_bridge(sysfs, bridge, err) : VFA_SYSFS_GONE;

    if (r != 0)
        return r;
    *ret = vfa_device_unknown(id);
    ret->type = VFA_TYPE_BRIDGE;
    ret->netdev = strdup(bridge);
    return ret->netdev ? 0 : vfa_fail_oom(err);
}

int vfa_bridge_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err)
{
    *ret = (struct vfa_health){.use = {.fault = VFA_HEALTH_NONE}};
    return 0;
}
