/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI addresses: a plain value, copied by assignment, and the text by which sysfs, the state file
 * and messages name it. Other spellings (domain XML, device_spec) are read elsewhere.
 */
#ifndef VFA_BASE_PCI_ADDRESS_H
#define VFA_BASE_PCI_ADDRESS_H

#include "common.h"

/* A PCI address. The domain has up to 32 bits: VMD makes 0x10000 and above. */
struct vfa_pci_addr {
    uint32_t domain;
    uint8_t bus;
    uint8_t slot;     /* 0..0x1f */
    uint8_t function; /* 0..7 */
};

#define VFA_PCI_ADDR_SIZE sizeof("00000000:00:00.0")

/* "DDDD:BB:SS.F" exactly as sysfs names devices (lower case, zero padded; domain 4 to 8 digits). */
int vfa_parse_pci_addr(const char *text, struct vfa_pci_addr *ret) VFA_MUST_CHECK;

/* The inverse; buf has VFA_PCI_ADDR_SIZE bytes. Returns buf. */
char *vfa_pci_addr_format(const struct vfa_pci_addr *addr, char *buf);

/* <0, 0, >0: the order of the addresses. */
int vfa_pci_addr_compare(const struct vfa_pci_addr *a, const struct vfa_pci_addr *b);

#endif
