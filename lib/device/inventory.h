/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The devices of the host: an immutable snapshot, sorted by identity. It does not know
 * configuration, aliases or claims.
 */
#ifndef VFA_DEVICE_INVENTORY_H
#define VFA_DEVICE_INVENTORY_H

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "sysfs.h"

struct vfa_inventory {
    struct vfa_device *devices;
    size_t n;
    int64_t scanned; /* when the scan began, in ms of CLOCK_BOOTTIME */
    char *lacks;     /* why devices of a kind are missing; NULL: all kinds were read */
};

/* Returns the time of the clock of vfa_inventory.scanned. */
int64_t vfa_inventory_clock(void);

/* Reads all devices of all kinds. Leaves out devices that vanish meanwhile. A kind whose devices
 * cannot be read is missing, and (*ret)->lacks says why; but PCI functions must be readable. Free
 * with vfa_inventory_free(). */
int vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                       struct vfa_error *err);
struct vfa_inventory *vfa_inventory_free(struct vfa_inventory *inv);
VFA_DEFINE_AUTO(struct vfa_inventory, vfa_inventory_free);

/* Finds a device by its identity. Borrowed, or NULL. */
const struct vfa_device *vfa_inventory_find(const struct vfa_inventory *inv, const char *id);

/* Finds the PF of a VF. Borrowed, or NULL: not a VF, or the PF is not in the snapshot. */
const struct vfa_device *vfa_inventory_parent(const struct vfa_inventory *inv,
                                              const struct vfa_device *dev);

#endif
