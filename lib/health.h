/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a device could be given to a guest right now, as sysfs (and, for the real /sys, the
 * host's network configuration) has it. Reads only the device, its netdev, what is made of it and
 * its IOMMU group.
 *
 * Sources, of the kernel: Documentation/driver-api/vfio.rst for what makes a group viable;
 * Documentation/ABI/testing/sysfs-class-net; Documentation/driver-api/vfio-mediated-device.rst and
 * drivers/vdpa/vdpa.c for where mediated and vDPA devices are.
 */
#ifndef VFA_HEALTH_H
#define VFA_HEALTH_H

#include "choose.h"

struct ifaddrs;

/* What several checks share. Begin with {.sysfs = ...}; clear with vfa_checkup_clear(). */
struct vfa_checkup {
    const struct vfa_sysfs *sysfs;
    struct ifaddrs *addresses; /* the host's, once they have been asked for */
    bool asked;
};
void vfa_checkup_clear(struct vfa_checkup *checkup);

struct vfa_health {
    enum vfa_drop drop; /* VFA_DROP_NONE, _NETDEV, _OFFSPRING or _GROUP */
    char detail[160];   /* what is in the way, for a person; "" if nothing is */
};

/* For a device as vfa_inventory_read() gave it just now. */
int vfa_health_check(struct vfa_checkup *checkup, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err);

#endif
