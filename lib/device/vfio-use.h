/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a program has a device that is bound to a VFIO driver: DPDK or SPDK on the host, or a
 * guest that libvirt does not know.
 *
 * Only the open files of all processes tell. The device is never opened here: a group can be opened
 * once at a time, so that would be in the way of the guest that is just about to get it.
 *
 * What cannot be seen: processes of others by a user who is not root, and those with more
 * privileges by a program that is confined, as vfaliasd is (ptrace(2)); a program that has closed
 * the group after it got the device's file from it. What is not looked at: a device of a group
 * whose devices runtime power management has suspended, as vfio-pci does with those that nobody has
 * open (kernel 5.19 and newer); a program may ask for that while it has one open
 * (VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY), and none is known that does.
 *
 * Sources: Documentation/driver-api/vfio.rst for /dev/vfio/GROUP and /dev/vfio/devices/vfioN;
 * proc(5); Documentation/ABI/testing/sysfs-devices-power.
 */
#ifndef VFA_DEVICE_VFIO_USE_H
#define VFA_DEVICE_VFIO_USE_H

#include "base/common.h"
#include "base/error.h"
#include "inventory.h"
#include "sysfs.h"

/* What one run has read. Begin with all zero; clear with vfa_vfio_files_clear(). */
struct vfa_vfio_files {
    struct vfa_vfio_file {
        char name[32]; /* below /dev/vfio: "12", "noiommu-12", "devices/vfio3" */
        unsigned pid;
    } * items;
    size_t n;
    bool read;
};
void vfa_vfio_files_clear(struct vfa_vfio_files *files);

/* Writes who has the device ("process 1234 (dpdk-testpmd) has /dev/vfio/12 open") to ret, or "".
 * The processes are read at the first device that makes it necessary; /proc is looked for beside
 * the root (disk-use.h). */
int vfa_vfio_find(struct vfa_vfio_files *files, const struct vfa_sysfs *sysfs,
                  const struct vfa_device *dev, char *ret, size_t size, struct vfa_error *err);

#endif
