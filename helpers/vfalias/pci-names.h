/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of PCI devices from libpci's pci.ids. libpci is used for nothing else: libpci calls its
 * error handler, which must not return, if a device vanishes while libpci reads its files.
 */
#ifndef VFA_VFALIAS_PCI_NAMES_H
#define VFA_VFALIAS_PCI_NAMES_H

#include "base/common.h"

struct vfa_pci_names;

/* NULL: no names are available. */
struct vfa_pci_names *vfa_pci_names_open(void);
struct vfa_pci_names *vfa_pci_names_close(struct vfa_pci_names *names);
VFA_DEFINE_AUTO(struct vfa_pci_names, vfa_pci_names_close);

/* Writes "Vendor Device" to buf and returns buf; "" if unknown or names is NULL. */
const char *vfa_pci_names_lookup(struct vfa_pci_names *names, uint16_t vendor, uint16_t product,
                                 char *buf, size_t size);

#endif
