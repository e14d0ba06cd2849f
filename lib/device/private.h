/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the checks of a device share. */
#ifndef VFA_DEVICE_PRIVATE_H
#define VFA_DEVICE_PRIVATE_H

#include "base/common.h"
#include "health.h"
#include "inventory.h"

/* Writes a finding, in place of the one that is there. */
VFA_PRINTF(3, 4)
void vfa_health_report_fault(struct vfa_finding *finding, enum vfa_health_fault fault,
                             const char *fmt, ...);

/* The interfaces of a function, all of them. */
void vfa_health_netdevs(struct vfa_health_context *health_context, const struct vfa_device *dev,
                        int dirfd, struct vfa_finding *ret);

/* Whether the PF of a VF is up. */
void vfa_health_pf(int dirfd, struct vfa_finding *ret);

#endif
