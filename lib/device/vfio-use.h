/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a program has a device open that is bound to a VFIO driver: DPDK or SPDK on the host, or
 * a guest that libvirt does not know.
 *
 * This module reads the open files of all processes. It never opens the device: only one program at
 * a time can open a group, so an open would disturb the guest that is about to get the device.
 *
 * Not detected: processes of other users, if the reader is not root; processes with more
 * privileges, if the reader is confined, as vfaliasd is (ptrace(2)); a program that has closed the
 * group after it got the file of the device.
 *
 * Not checked: a device in a group whose devices are all suspended by runtime power management.
 * vfio-pci suspends devices that no program has open (kernel 5.19 and newer). A program may request
 * the same for an open device (VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY); no such program is known.
 *
 * Sources: Documentation/driver-api/vfio.rst for /dev/vfio/GROUP and /dev/vfio/devices/vfioN;
 * proc(5); Documentation/ABI/testing/sysfs-devices-power.
 */
#ifndef VFA_DEVICE_VFIO_USE_H
#define VFA_DEVICE_VFIO_USE_H

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "sysfs.h"

/* Open VFIO files, read once per run. Initialise with zeros; free with vfa_vfio_files_clear(). */
struct vfa_vfio_files {
    struct vfa_vfio_file {
        char name[32]; /* below /dev/vfio: "12", "noiommu-12", "devices/vfio3" */
        unsigned pid;
    } * items;
    size_t n;
    bool read; /* `items` is complete */
};
void vfa_vfio_files_clear(struct vfa_vfio_files *files);

/* Finds a process that has the device open. Writes "process 1234 (dpdk-testpmd) has /dev/vfio/12
 * open" to ret, or "". The first device that is not suspended makes it read all processes. /proc is
 * ROOT/../proc, as in disk-use.h. */
int vfa_vfio_find(struct vfa_vfio_files *files, const struct vfa_sysfs *sysfs,
                  const struct vfa_device *dev, char *ret, size_t size, struct vfa_error *err);

#endif
