/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The row "vdpa" of kind.h: vDPA devices ("vdpa:NAME") and the management devices that make them
 * ("mgmtdev:NAME").
 *
 * How many devices a management device can have is not exported by the kernel. Those on a PCI
 * function or a subfunction have one set of virtqueues (mlx5_vdpa, vp_vdpa, ifcvf, pds_vdpa: a
 * second device fails with ENOSPC, and vp_vdpa, which does not refuse it, must not have one). Those
 * on no function are software and have no limit. A device_spec can lower it (max_devices).
 */
#ifndef VFA_DEVICE_VDPA_KIND_H
#define VFA_DEVICE_VDPA_KIND_H

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "sysfs.h"

/* See struct vfa_kind. A scan leaves out the devices that vfalias has made: claims tell them. */
bool vfa_vdpa_has_id(const char *id);
int vfa_vdpa_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                  struct vfa_error *err);
int vfa_vdpa_read_again(const struct vfa_sysfs *sysfs, const struct vfa_device *found,
                        struct vfa_device *ret, struct vfa_error *err);
int vfa_vdpa_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                     struct vfa_error *err);
int vfa_vdpa_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                   struct vfa_health *ret, struct vfa_error *err);
int vfa_vdpa_derive(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                    struct vfa_device *ret, struct vfa_error *err);

/* Finds the vDPA device whose node a path names ("/dev/vhost-vdpa-3"), and writes its identity to
 * ret, which has VFA_DEVICE_ID_SIZE bytes. VFA_SYSFS_GONE: it names none. */
int vfa_vdpa_of_node(const struct vfa_sysfs *sysfs, const char *path, char *ret,
                     struct vfa_error *err);

#endif
