/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a request cannot get a device.
 *
 * The verdicts are in the order of the filters (Nova's, then those of vfalias): the verdict on a
 * device is the first filter that excludes it.
 */
#ifndef VFA_CHOOSE_VERDICT_H
#define VFA_CHOOSE_VERDICT_H

enum vfa_verdict {
    VFA_VERDICT_CANDIDATE,     /* no filter excludes it */
    VFA_VERDICT_NOT_ALLOWED,   /* no device_spec allows it */
    VFA_VERDICT_ALIAS,         /* the alias does not select it */
    VFA_VERDICT_TAGS,          /* its device_spec lacks tags that the request wants */
    VFA_VERDICT_PERMIT,        /* the domain may not use the alias */
    VFA_VERDICT_CLAIMED,       /* a domain has it */
    VFA_VERDICT_RELEASING,     /* its domain lost it; its settings are being restored */
    VFA_VERDICT_CLEANING,      /* its domain lost it; its cleaner runs */
    VFA_VERDICT_STATIC,        /* a host device in the XML of a running domain */
    VFA_VERDICT_NETWORK,       /* libvirt gave it to a port of a hostdev network */
    VFA_VERDICT_PF_VF_CLAIMED, /* its PF, or one of its VFs, is claimed */
    VFA_VERDICT_GROUP_TAKEN,   /* another domain has a device of its IOMMU group */
    VFA_VERDICT_QUARANTINED,
    VFA_VERDICT_MISSING, /* no longer in sysfs, or another device has its address */
    VFA_VERDICT_DRIVER,  /* not bound to the driver of the alias, or, if not managed, to VFIO */
    VFA_VERDICT_NETDEV,  /* its netdev is in use on the host */
    VFA_VERDICT_VF,      /* the host uses one of its VFs */
    VFA_VERDICT_HAS_CHILDREN, /* it is the parent of a vDPA or mediated device */
    VFA_VERDICT_FULL,         /* it makes devices, and can make no more now */
    VFA_VERDICT_DISK,         /* the host uses one of its disks */
    VFA_VERDICT_NO_NETDEV,    /* it has no netdev; a macvtap needs one */
    VFA_VERDICT_PF_DOWN,      /* its PF is down; an interface and a macvtap need it up */
    VFA_VERDICT_GROUP,        /* its IOMMU group cannot be given to a guest */
    VFA_VERDICT_HELD,         /* a program of the host has it open by VFIO */
    VFA_VERDICT_NUMA,         /* the NUMA policy excludes its node */
    VFA_VERDICT_N
};

/* A few words for a table or a count: "claimed", "netdev in use". */
const char *vfa_verdict_name(enum vfa_verdict verdict);

#endif
