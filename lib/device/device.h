/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One device of the host. Its identity is a text that also tells its kind (kind.h):
 *
 *   0000:3b:02.1              a PCI function, by its address
 *   vdpa:NAME                 a vDPA device
 *   mdev:UUID                 a mediated device
 *   mgmtdev:NAME              a maker: a management device, which makes vDPA devices
 *   mdev-type:PARENT/TYPE     a maker: a type of mediated devices of one parent
 *   bridge:BRIDGE/NAME        no device: the connection of a guest to a bridge
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
    VFA_TYPE_VDPA,
    VFA_TYPE_VDPA_BLOCK,
    VFA_TYPE_MDEV,
    VFA_TYPE_BRIDGE, /* never in the inventory */
    VFA_TYPES
};

/* Nova's names: "type-PCI", "type-PF", "type-VF"; and "vdpa", "vdpa-block", "mdev", "bridge". */
const char *vfa_dev_type_name(enum vfa_dev_type type);

#define VFA_CLASS_NETWORK 0x02 /* a network card: class >> 16, the base class */

struct vfa_device {
    char id[VFA_DEVICE_ID_SIZE];
    struct vfa_pci_addr addr;   /* of the PCI function that it is, or stands on; else zero */
    struct vfa_pci_addr parent; /* the PF, if that function is a VF */
    enum vfa_dev_type type;     /* of a maker: the type of what it makes */
    bool on_function;           /* it is no PCI function, and stands on one */
    bool on_vf;                 /* that function is a VF */
    uint16_t vendor;
    uint16_t product;
    uint32_t class;  /* 24 bits, as in sysfs "class" */
    int numa_node;   /* -1: unknown */
    int iommu_group; /* -1: none */
    char *netdev;    /* the function's own (netdev.h), or the bridge; NULL: none */
    char *driver;    /* NULL: none bound */
    uint32_t makes;  /* a maker: how many devices it can have at most; 0: no maker */
    char *maker;     /* of a made device: the identity of its maker; else NULL */
    char *path;      /* of its node, or of the link to it, that an element names; else NULL */
};

#define VFA_MAKES_MANY UINT32_MAX /* no limit is known */

/* Frees what the device owns and sets all to zero. */
void vfa_device_clear(struct vfa_device *dev);

/* A device of which only the identity is known. It owns nothing. */
struct vfa_device vfa_device_unknown(const char *id);

/* Writes the identity of the PF to buf, which has VFA_DEVICE_ID_SIZE bytes. Returns buf; NULL: the
 * device is no VF and stands on none. */
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
