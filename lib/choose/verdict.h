/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What speaks against giving a device to a request, in a word.
 *
 * The order of the verdicts is that of the filters (Nova's, then ours), so a device's verdict is
 * the first thing that speaks against it.
 */
#ifndef VFA_CHOOSE_VERDICT_H
#define VFA_CHOOSE_VERDICT_H

enum vfa_verdict {
    VFA_VERDICT_CANDIDATE,     /* a candidate */
    VFA_VERDICT_NOT_ALLOWED,   /* no device_spec allows it */
    VFA_VERDICT_ALIAS,         /* not what the alias means */
    VFA_VERDICT_TAGS,          /* not the tags that the request wants */
    VFA_VERDICT_PERMIT,        /* the domain may not ask for the alias */
    VFA_VERDICT_CLAIMED,       /* somebody has it */
    VFA_VERDICT_RELEASING,     /* nobody has it, and what was changed of it is being put back */
    VFA_VERDICT_CLEANING,      /* nobody has it, and its cleaner runs */
    VFA_VERDICT_STATIC,        /* a host device that a running domain's XML names */
    VFA_VERDICT_NETWORK,       /* libvirt gave it to a port of a hostdev network */
    VFA_VERDICT_PF_VF_CLAIMED, /* its PF, or one of its VFs, is claimed */
    VFA_VERDICT_GROUP_TAKEN,   /* another domain has a device of its IOMMU group */
    VFA_VERDICT_QUARANTINED,
    VFA_VERDICT_MISSING,      /* not in sysfs any more, or another device now */
    VFA_VERDICT_DRIVER,       /* not bound to the driver that the alias wants */
    VFA_VERDICT_NETDEV,       /* its netdev is in use on the host */
    VFA_VERDICT_VF,           /* the host uses one of its VFs */
    VFA_VERDICT_HAS_CHILDREN, /* a vDPA or mediated device is made of it */
    VFA_VERDICT_DISK,         /* the host uses a disk of it */
    VFA_VERDICT_NO_NETDEV,    /* it has none, which a macvtap needs */
    VFA_VERDICT_PF_DOWN,      /* its PF is, and it is for an interface or a macvtap */
    VFA_VERDICT_GROUP,        /* its IOMMU group cannot be given to a guest */
    VFA_VERDICT_HELD,         /* a program of the host has it, by VFIO */
    VFA_VERDICT_NUMA,         /* not where the guest is */
    VFA_VERDICT_N
};

/* A few words for a table or a count: "claimed", "netdev in use". */
const char *vfa_verdict_name(enum vfa_verdict drop);

#endif
