/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI addresses: a plain value, which assignment copies, and its text in sysfs, the state file and
 * messages. domain/domxml.h and spec/spec.h read the other spellings.
 */
#ifndef VFA_BASE_PCI_ADDRESS_H
#define VFA_BASE_PCI_ADDRESS_H

#include "common.h"

/* The domain has up to 32 bits: VMD uses domains from 0x10000. */
struct vfa_pci_addr {
    uint32_t domain;
    uint8_t bus;
    uint8_t slot;     /* 0..0x1f */
    uint8_t function; /* 0..7 */
};

#define VFA_PCI_ADDR_SIZE sizeof("00000000:00:00.0")

/* Parses "DDDD:BB:SS.F" exactly as in sysfs: lower case, zero padded, domain 4 to 8 digits. */
int vfa_parse_pci_addr(const char *text, struct vfa_pci_addr *ret) VFA_MUST_CHECK;

/* Writes the same text to buf, which has VFA_PCI_ADDR_SIZE bytes. Returns buf. */
char *vfa_pci_addr_format(const struct vfa_pci_addr *addr, char *buf);

/* Returns <0, 0 or >0, in the order of addresses. */
int vfa_pci_addr_compare(const struct vfa_pci_addr *a, const struct vfa_pci_addr *b);

#endif
