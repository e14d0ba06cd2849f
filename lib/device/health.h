/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a device can be given to a guest now, according to sysfs and, for the real /sys, the
 * host's network configuration. Reads only the device, its interfaces, its vDPA and mediated
 * devices, its disks (disk-use.h), its IOMMU group, the interface of its PF, and for a PF its VFs.
 *
 * Sources, of the kernel: Documentation/driver-api/vfio.rst for viable groups;
 * Documentation/ABI/testing/sysfs-class-net; Documentation/driver-api/vfio-mediated-device.rst and
 * drivers/vdpa/vdpa.c for the places of mediated and vDPA devices.
 */
#ifndef VFA_DEVICE_HEALTH_H
#define VFA_DEVICE_HEALTH_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device.h"
#include "disk-use.h"
#include "inventory.h"
#include "sysfs.h"
#include "vfio-use.h"

struct ifaddrs;

/* Data that the checks of one run share; each part is read once. Initialise with {.sysfs = ...};
 * free with vfa_health_context_clear(). */
struct vfa_health_context {
    const struct vfa_sysfs *sysfs;
    struct ifaddrs *addresses; /* of the host; valid if `asked` */
    bool asked;                /* getifaddrs() was called */
    struct vfa_disks disks;
    struct vfa_vfio_files vfio;
};
void vfa_health_context_clear(struct vfa_health_context *health_context);

/* Why a device cannot be given to a guest. */
enum vfa_health_fault {
    VFA_HEALTH_NONE,     /* no fault */
    VFA_HEALTH_NETDEV,   /* the host uses its netdev */
    VFA_HEALTH_VF,       /* the host uses one of its VFs */
    VFA_HEALTH_CHILDREN, /* it has a vDPA or mediated device */
    VFA_HEALTH_DISK,     /* the host uses one of its disks */
    VFA_HEALTH_PF_DOWN,  /* the interface of its PF is down */
    VFA_HEALTH_GROUP,    /* its IOMMU group cannot be given to a guest */
    VFA_HEALTH_FULL,     /* a maker: it can make no more now */
    VFA_HEALTH_HELD,     /* a program of the host has it open through VFIO */
    VFA_HEALTH_N
};

struct vfa_finding {
    enum vfa_health_fault fault;
    char detail[160]; /* text for the user; "": no fault */
};

/* One finding per group of faults: which of them matter depends on the use of the device. */
struct vfa_health {
    struct vfa_finding use; /* VFA_HEALTH_NETDEV, _VF, _CHILDREN or _DISK */
    struct vfa_finding pf;  /* VFA_HEALTH_PF_DOWN: libvirt sets up neither interface nor macvtap */
    struct vfa_finding group; /* VFA_HEALTH_GROUP; a macvtap needs no IOMMU group */
    bool
        vfio; /* it is bound to a VFIO driver: libvirt wants this of a hostdev that is not managed */
};

/* Checks a PCI function: see vfa_kind_check(). */
int vfa_health_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err);

/* Checks whether a program has the device open through VFIO (VFA_HEALTH_HELD). Call this only if
 * the device has no other fault, and if no domain has a device of its IOMMU group: QEMU of that
 * domain has the group open. */
int vfa_health_held(struct vfa_health_context *health_context, const struct vfa_device *dev,
                    struct vfa_finding *ret, struct vfa_error *err);

/* Whether the interface of the PF is down, so that its VFs have no link. False: no interface. */
bool vfa_health_pf_is_down(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *pf);

/* Finds a VF of the PF with the sysfs folder pf_fd that the host uses, or that a driver gives away
 * (driver.h). Writes the use ("0000:02:10.0: enp1s0v0 belongs to br0") to ret, or "". */
int vfa_health_vfs(struct vfa_health_context *health_context, int pf_fd, char *ret, size_t size,
                   struct vfa_error *err);

#endif
