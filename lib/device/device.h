/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One device of the host. Its identity is a text that also tells its kind (kind.h):
 *
 *   0000:3b:02.1   a PCI function, by its address
 *
 * The state file, messages and users name a device by this text, so no two devices of a host have
 * the same one. The other members are attributes; a kind leaves those that it lacks empty.
 */
#ifndef VFA_DEVICE_DEVICE_H
#define VFA_DEVICE_DEVICE_H

#include "base/common.h"
#include "base/pci-address.h"

#define VFA_DEVICE_ID_SIZE 80 /* bytes of an identity, with the NUL */

enum vfa_dev_type {
    VFA_TYPE_PCI, /* no SR-IOV */
    VFA_TYPE_PF,  /* sriov_totalvfs > 0, or it has VFs */
    VFA_TYPE_VF,  /* has a physfn */
};

/* Nova's names: "type-PCI", "type-PF", "type-VF". */
const char *vfa_dev_type_name(enum vfa_dev_type type);

#define VFA_CLASS_NETWORK 0x02 /* a network card: class >> 16, the base class */

struct vfa_device {
    char id[VFA_DEVICE_ID_SIZE];
    struct vfa_pci_addr addr;   /* of the PCI function */
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

/* Frees what the device owns and sets all to zero. */
void vfa_device_clear(struct vfa_device *dev);

/* A device of which only the identity is known. It owns nothing. */
struct vfa_device vfa_device_unknown(const char *id);

/* Writes the identity of a VF's PF to buf, which has VFA_DEVICE_ID_SIZE bytes. Returns buf; NULL:
 * the device is no VF. */
const char *vfa_device_pf(const struct vfa_device *dev, char *buf);

/* A list that grows. */
struct vfa_device_list {
    struct vfa_device *items;
    size_t n, room;
};
/* Adds an empty device and returns it; NULL: no memory. */
struct vfa_device *vfa_device_list_add(struct vfa_device_list *list);
/* Frees the devices and the list; the list is empty then. */
void vfa_device_list_clear(struct vfa_device_list *list);

#endif
