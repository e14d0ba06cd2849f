/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The request that vfa_vdpa_delete() ends with, for vdpa-node.c alone. */
#ifndef VFA_DEVICE_VDPA_PRIVATE_H
#define VFA_DEVICE_VDPA_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "sysfs.h"

/* Deletes a device, which must not be bound to vhost_vdpa: if a program has it open, the request
 * does not return before that program ends, and no vDPA request of the host does. Returns 0,
 * VFA_MAKER_GONE, VFA_MAKER_ABSENT or an error. */
int vfa_vdpa_delete_unbound(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                            struct vfa_error *err);

#endif
