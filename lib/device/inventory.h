/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What PCI devices there are: an immutable snapshot of <root>/bus/pci/devices, sorted by address.
 * Knows nothing of configuration, aliases or claims.
 *
 * Source of the attributes: Documentation/ABI/testing/sysfs-bus-pci of the kernel.
 */
#ifndef VFA_DEVICE_INVENTORY_H
#define VFA_DEVICE_INVENTORY_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "sysfs.h"

enum vfa_dev_type {
    VFA_TYPE_PCI, /* no SR-IOV */
    VFA_TYPE_PF,  /* sriov_totalvfs > 0, or VFs present */
    VFA_TYPE_VF,  /* has a physfn */
};

/* Nova's names: "type-PCI", "type-PF", "type-VF". */
const char *vfa_dev_type_name(enum vfa_dev_type type);

#define VFA_CLASS_NETWORK 0x02 /* a network card: class >> 16, the base class */

struct vfa_device {
    struct vfa_pci_addr addr;
    struct vfa_pci_addr parent; /* the PF; only for VFA_TYPE_VF */
    enum vfa_dev_type type;
    uint16_t vendor;
    uint16_t product;
    uint32_t class;  /* 24 bits, as in sysfs "class" */
    int numa_node;   /* -1: unknown */
    int iommu_group; /* -1: none */
    char *netdev;    /* its own (netdev.h); NULL: none */
    char *driver;    /* NULL: none bound */
};

struct vfa_inventory {
    struct vfa_device *devices;
    size_t n;
    int64_t scanned; /* when the scan began, in ms of CLOCK_BOOTTIME */
};

/* Now, on the same clock. */
int64_t vfa_inventory_clock(void);

/* Scans. Devices that vanish meanwhile are left out. Free with vfa_inventory_free(). */
int vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                       struct vfa_error *err);
struct vfa_inventory *vfa_inventory_free(struct vfa_inventory *inv);
VFA_DEFINE_AUTO(struct vfa_inventory, vfa_inventory_free);

/* Reads one device as it is now; *ret is cleared with vfa_device_clear(). VFA_SYSFS_GONE: not
 * there. A PF that has VFs but no sriov_totalvfs is told only by a whole scan. */
int vfa_inventory_read(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                       struct vfa_device *ret, struct vfa_error *err);
void vfa_device_clear(struct vfa_device *dev);

/* Opens a device's folder for the functions of sysfs.h. Returns the fd, or -1 with errno. */
int vfa_inventory_open(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr);

/* True if the kernel would let a netdev be called so. */
bool vfa_inventory_netdev_ok(const char *name);

/* The PCI device behind a netdev of the host. VFA_SYSFS_GONE: no such netdev, or none on the PCI
 * bus. */
int vfa_inventory_netdev(const struct vfa_sysfs *sysfs, const char *netdev,
                         struct vfa_pci_addr *ret, struct vfa_error *err);

/* By address, or NULL. Borrowed. */
const struct vfa_device *vfa_inventory_find(const struct vfa_inventory *inv,
                                            const struct vfa_pci_addr *addr);

/* The PF of a VF, or NULL (not a VF, or its PF is not in the snapshot). Borrowed. */
const struct vfa_device *vfa_inventory_parent(const struct vfa_inventory *inv,
                                              const struct vfa_device *dev);

#endif
