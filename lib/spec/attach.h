/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways in which a guest gets a device, and what is true of each: one row a kind. How a kind is
 * written in XML is a row of domain/element-kind.h.
 *
 * No other code compares kinds: it asks the row for the fact that it needs. Source of the facts:
 * https://libvirt.org/formatdomain.html#host-device-assignment, #network-interfaces.
 */
#ifndef VFA_SPEC_ATTACH_H
#define VFA_SPEC_ATTACH_H

#include "base/common.h"

enum vfa_attach_kind {
    VFA_ATTACH_HOSTDEV,   /* <hostdev mode='subsystem' type='pci'>; the default of an alias */
    VFA_ATTACH_INTERFACE, /* <interface type='hostdev'>, for network VFs */
    VFA_ATTACH_MACVTAP,   /* <interface type='direct' mode='passthrough'> on the VF's netdev */
    VFA_ATTACH_VDPA,      /* <interface type='vdpa'> */
    VFA_ATTACH_VDPA_DISK, /* <disk type='vhostvdpa'> */
    VFA_ATTACH_MDEV,      /* <hostdev mode='subsystem' type='mdev'> */
    VFA_ATTACH_BRIDGE,    /* <interface type='bridge'>: the guest gets no device of the host */
    VFA_ATTACH_KINDS
};

/* What the <source> of an element names. */
enum vfa_attach_source {
    VFA_ATTACH_SOURCE_DEVICE, /* the device: read as its identity (device/device.h) */
    VFA_ATTACH_SOURCE_NETDEV, /* the netdev of the device */
    VFA_ATTACH_SOURCE_NODE,   /* the path of its node in /dev, or of a link to it */
    VFA_ATTACH_SOURCE_BRIDGE, /* a bridge of the host */
};

struct vfa_attach_facts {
    const char *name; /* the value of the alias's key attach */
    enum vfa_attach_source source;
    unsigned types;   /* bits 1 << enum vfa_dev_type: devices of these types; 0: no device */
    bool nic;         /* it has a MAC address */
    bool takes_vlan;  /* it may have <vlan> and <virtualport> */
    bool takes_group; /* the guest gets the device's IOMMU group, all of it */
    bool needs_shared_memory; /* libvirt attaches it only if all memory of the guest is shared */
    bool needs_netdev;        /* a device without a netdev on this host cannot be attached */
    bool needs_pf_up;         /* libvirt does not attach a VF of a PF that is down */

    /* The netdev stays with the host while the guest has the device, so its MTU is set and it is
     * set up. Otherwise the guest's driver does both. */
    bool keeps_netdev;

    bool libvirt_sets_vlan; /* libvirt writes the VLAN of the element to the VF, and resets it */
    bool derived_source; /* its source follows from domain and request: a definition can have it */
    bool can_team;       /* the element may have <teaming type='transient'> */
    bool migrates;       /* it stays plugged in during a live migration, without a teaming pair */
};

/* The row of a kind, which is below VFA_ATTACH_KINDS. */
const struct vfa_attach_facts *vfa_attach_facts(enum vfa_attach_kind kind);

#endif
