/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The row "mdev" of kind.h: mediated devices ("mdev:UUID") and the types of their parents that make
 * them ("mdev-type:PARENT/TYPE").
 *
 * A type has as many slots as it can make now, and as it has made. Making one may take slots from
 * the other types of the parent, so the check reads the number again.
 */
#ifndef VFA_DEVICE_MDEV_KIND_H
#define VFA_DEVICE_MDEV_KIND_H

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "sysfs.h"

/* See struct vfa_kind. */
bool vfa_mdev_has_id(const char *id);
int vfa_mdev_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                  struct vfa_error *err);
int vfa_mdev_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                     struct vfa_error *err);
int vfa_mdev_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                   struct vfa_health *ret, struct vfa_error *err);
int vfa_mdev_derive(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                    struct vfa_device *ret, struct vfa_error *err);

#endif
