/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a device could be given to a guest right now, as sysfs (and, for the real /sys, the
 * host's network configuration) has it. Reads only the device, its interfaces, what is made of
 * it, its disks (disk-use.h), its IOMMU group, its PF's interface, and of a PF the same of its VFs.
 *
 * Sources, of the kernel: Documentation/driver-api/vfio.rst for what makes a group viable;
 * Documentation/ABI/testing/sysfs-class-net; Documentation/driver-api/vfio-mediated-device.rst and
 * drivers/vdpa/vdpa.c for where mediated and vDPA devices are.
 */
#ifndef VFA_DEVICE_HEALTH_H
#define VFA_DEVICE_HEALTH_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "disk-use.h"
#include "inventory.h"
#include "sysfs.h"
#include "vfio-use.h"

struct ifaddrs;

/* What the checks of one run share, each read once. Begin with {.sysfs = ...}; clear with
 * vfa_health_context_clear(). */
struct vfa_health_context {
    const struct vfa_sysfs *sysfs;
    struct ifaddrs *addresses; /* the host's, once they have been asked for */
    bool asked;
    struct vfa_disks disks;
    struct vfa_vfio_files vfio;
};
void vfa_health_context_clear(struct vfa_health_context *health_context);

/* What is in the way. */
enum vfa_health_fault {
    VFA_HEALTH_NONE,     /* nothing is */
    VFA_HEALTH_NETDEV,   /* its netdev is in use on the host */
    VFA_HEALTH_VF,       /* the host uses one of its VFs */
    VFA_HEALTH_CHILDREN, /* a vDPA or mediated device is made of it */
    VFA_HEALTH_DISK,     /* the host uses a disk of it */
    VFA_HEALTH_PF_DOWN,  /* its PF's interface is down */
    VFA_HEALTH_GROUP,    /* its IOMMU group cannot be given to a guest */
    VFA_HEALTH_HELD,     /* a program of the host has it, by VFIO */
    VFA_HEALTH_N
};

struct vfa_finding {
    enum vfa_health_fault fault; /* VFA_HEALTH_NONE: nothing is in the way */
    char detail[160];            /* what is, for a person; else "" */
};

/* By what the device is wanted for: not all of them count for each use. */
struct vfa_health {
    struct vfa_finding use; /* the host uses it: VFA_HEALTH_NETDEV, _VF, _CHILDREN or _DISK */
    struct vfa_finding
        pf; /* VFA_HEALTH_PF_DOWN: libvirt sets up no interface and no macvtap then */
    struct vfa_finding
        group; /* VFA_HEALTH_GROUP: a macvtap stays with the host, which needs none */
};

/* For a device as vfa_inventory_read() gave it just now, or as the index has it with its type. */
int vfa_health_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err);

/* Whether a program has the device, by VFIO: VFA_HEALTH_HELD. To be asked where nothing else speaks
 * against it, and not while a domain has a device of its IOMMU group: that domain's QEMU has the
 * group open. */
int vfa_health_held(struct vfa_health_context *health_context, const struct vfa_device *dev,
                    struct vfa_finding *ret, struct vfa_error *err);

/* True if the PF's interface is down, so that its VFs reach nobody. False of what has none. */
bool vfa_health_pf_is_down(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *pf);

/* Whether the host uses a VF of the PF whose sysfs folder is open, or has given one away by a
 * driver. Writes which ("0000:02:10.0: enp1s0v0 belongs to br0") to ret, or "". */
int vfa_health_vfs(struct vfa_health_context *health_context, int pf_fd, char *ret, size_t size,
                   struct vfa_error *err);

#endif
