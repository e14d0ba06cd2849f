/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The row "bridge" of kind.h: the connection of a guest to a bridge of the host, "bridge:BR/NAME".
 * NAME follows from domain and request (made-name.h), so any number of guests can be on a bridge. A
 * connection is there as long as its bridge: it is never found by a scan, always healthy, and
 * excludes nothing. What is attached is an interface that libvirt connects.
 *
 * Source: net/bridge/br_sysfs_br.c of the kernel for /sys/class/net/BR/bridge. A bridge of Open
 * vSwitch has no such folder: any interface that is no device's own counts as one (its
 * net/openvswitch/vport-internal_dev.c makes them without a parent).
 */
#ifndef VFA_DEVICE_BRIDGE_KIND_H
#define VFA_DEVICE_BRIDGE_KIND_H

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "health.h"
#include "sysfs.h"

/* Writes the identity to ret, which has VFA_DEVICE_ID_SIZE bytes. `bridge`: see struct vfa_alias. */
void vfa_bridge_id(const char *bridge, const char *uuid, const char *request, char *ret);

/* See struct vfa_kind. The netdev of the device is the bridge. */
bool vfa_bridge_has_id(const char *id);
int vfa_bridge_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                    struct vfa_error *err);
int vfa_bridge_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                       struct vfa_error *err);
int vfa_bridge_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err);

#endif
