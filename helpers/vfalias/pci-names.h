/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of PCI devices for people, from libpci's pci.ids. libpci is used for nothing else: its
 * error handler must not return, and a device that vanishes while it reads gets there.
 */
#ifndef VFA_VFALIAS_PCI_NAMES_H
#define VFA_VFALIAS_PCI_NAMES_H

#include "base/common.h"

struct vfa_pci_names;

/* NULL: no names to be had. */
struct vfa_pci_names *vfa_pci_names_open(void);
struct vfa_pci_names *vfa_pci_names_close(struct vfa_pci_names *names);
VFA_DEFINE_AUTO(struct vfa_pci_names, vfa_pci_names_close);

/* "Vendor Device" in buf, which is returned; "" when unknown or names is NULL. */
const char *vfa_pci_names_lookup(struct vfa_pci_names *names, uint16_t vendor, uint16_t product,
                                 char *buf, size_t size);

#endif
