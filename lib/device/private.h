/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the health checks of a device. */
#ifndef VFA_DEVICE_PRIVATE_H
#define VFA_DEVICE_PRIVATE_H

#include "base/common.h"
#include "device.h"
#include "health.h"

/* Writes a finding. Overwrites an earlier finding. */
VFA_PRINTF(3, 4)
void vfa_health_report_fault(struct vfa_finding *finding, enum vfa_health_fault fault,
                             const char *fmt, ...);

/* Checks all interfaces of the function with the sysfs folder dirfd; reports the first in use. */
void vfa_health_netdevs(struct vfa_health_context *health_context, const struct vfa_device *dev,
                        int dirfd, struct vfa_finding *ret);

/* Reports VFA_HEALTH_PF_DOWN if the PF's interface is down. dirfd: the VF's sysfs folder. */
void vfa_health_pf(int dirfd, struct vfa_finding *ret);

#endif
