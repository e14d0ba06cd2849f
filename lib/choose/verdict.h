/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What speaks against giving a device to a request, in a word.
 *
 * The order of the verdicts is that of the filters (Nova's, then ours), so a device's verdict is
 * the first thing that speaks against it.
 */
#ifndef VFA_CHOOSE_VERDICT_H
#define VFA_CHOOSE_VERDICT_H

enum vfa_drop {
    VFA_DROP_NONE,        /* a candidate */
    VFA_DROP_NOT_ALLOWED, /* no device_spec allows it */
    VFA_DROP_ALIAS,       /* not what the alias means */
    VFA_DROP_TAGS,        /* not the tags that the request wants */
    VFA_DROP_PERMIT,      /* the domain may not ask for the alias */
    VFA_DROP_CLAIMED,     /* somebody has it */
    VFA_DROP_RELEASING,   /* nobody has it, and what was changed of it is being put back */
    VFA_DROP_CLEANING,    /* nobody has it, and its cleaner runs */
    VFA_DROP_STATIC,      /* a host device that a running domain's XML names */
    VFA_DROP_NETWORK,     /* libvirt gave it to a port of a hostdev network */
    VFA_DROP_FAMILY,      /* its PF, or one of its VFs, is claimed */
    VFA_DROP_GROUP_TAKEN, /* another domain has a device of its IOMMU group */
    VFA_DROP_QUARANTINED,
    VFA_DROP_GONE,      /* not in sysfs any more, or another device now */
    VFA_DROP_DRIVER,    /* not bound to the driver that the alias wants */
    VFA_DROP_NETDEV,    /* its netdev is in use on the host */
    VFA_DROP_VF,        /* the host uses one of its VFs */
    VFA_DROP_OFFSPRING, /* a vDPA or mediated device is made of it */
    VFA_DROP_DISK,      /* the host uses a disk of it */
    VFA_DROP_NO_NETDEV, /* it has none, which a macvtap needs */
    VFA_DROP_PF_DOWN,   /* its PF is, and it is for an interface or a macvtap */
    VFA_DROP_GROUP,     /* its IOMMU group cannot be given to a guest */
    VFA_DROP_HELD,      /* a program of the host has it, by VFIO */
    VFA_DROP_NUMA,      /* not where the guest is */
    VFA_DROP_N
};

/* A few words for a table or a count: "claimed", "netdev in use". */
const char *vfa_drop_name(enum vfa_drop drop);

#endif
