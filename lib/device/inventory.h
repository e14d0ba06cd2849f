/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PCI devices of the host: an immutable snapshot of <root>/bus/pci/devices, sorted by address.
 * It does not know configuration, aliases or claims.
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
    VFA_TYPE_PF,  /* sriov_totalvfs > 0, or it has VFs */
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
    char *netdev;    /* the function's own (netdev.h); NULL: none */
    char *driver;    /* NULL: none bound */
};

struct vfa_inventory {
    struct vfa_device *devices;
    size_t n;
    int64_t scanned; /* when the scan began, in ms of CLOCK_BOOTTIME */
};

/* Returns the time of the clock of vfa_inventory.scanned. */
int64_t vfa_inventory_clock(void);

/* Reads all devices. Leaves out devices that vanish meanwhile. Free with vfa_inventory_free(). */
int vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                       struct vfa_error *err);
struct vfa_inventory *vfa_inventory_free(struct vfa_inventory *inv);
VFA_DEFINE_AUTO(struct vfa_inventory, vfa_inventory_free);

/* Reads one device as it is now. Free *ret with vfa_device_clear(). VFA_SYSFS_GONE: no such device.
 * Only vfa_inventory_scan() recognises a PF that has VFs but no sriov_totalvfs. */
int vfa_inventory_read(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                       struct vfa_device *ret, struct vfa_error *err);
void vfa_device_clear(struct vfa_device *dev);

/* Opens a device's folder for the functions of sysfs.h. Returns the fd, or -1 with errno. */
int vfa_inventory_open(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr);

/* Whether the kernel allows this name for a netdev. */
bool vfa_inventory_netdev_ok(const char *name);

/* Finds the PCI device of a netdev of the host. VFA_SYSFS_GONE: no such netdev, or its device is
 * not on the PCI bus. */
int vfa_inventory_netdev(const struct vfa_sysfs *sysfs, const char *netdev,
                         struct vfa_pci_addr *ret, struct vfa_error *err);

/* Finds a device by address. Borrowed, or NULL. */
const struct vfa_device *vfa_inventory_find(const struct vfa_inventory *inv,
                                            const struct vfa_pci_addr *addr);

/* Finds the PF of a VF. Borrowed, or NULL: not a VF, or the PF is not in the snapshot. */
const struct vfa_device *vfa_inventory_parent(const struct vfa_inventory *inv,
                                              const struct vfa_device *dev);

#endif
