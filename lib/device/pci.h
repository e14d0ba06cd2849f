/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI functions as sysfs shows them: <root>/bus/pci/devices. The row "pci" of kind.h.
 *
 * Source of the attributes: Documentation/ABI/testing/sysfs-bus-pci of the kernel.
 */
#ifndef VFA_DEVICE_PCI_H
#define VFA_DEVICE_PCI_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device.h"
#include "sysfs.h"

/* See struct vfa_kind. */
bool vfa_pci_has_id(const char *id);
int vfa_pci_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list,
                 struct vfa_error *err);
int vfa_pci_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                    struct vfa_error *err);

/* Reads one function as it is now. Free *ret with vfa_device_clear(). VFA_SYSFS_GONE: no such
 * function. */
int vfa_pci_read(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                 struct vfa_device *ret, struct vfa_error *err);

/* Opens a function's folder for the functions of sysfs.h. Returns the fd, or -1 with errno. */
int vfa_pci_open(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr);

/* Finds the PCI function of a netdev of the host. VFA_SYSFS_GONE: no such netdev, or its device is
 * not on the PCI bus. */
int vfa_pci_of_netdev(const struct vfa_sysfs *sysfs, const char *netdev, struct vfa_pci_addr *ret,
                      struct vfa_error *err);

#endif
