/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See verdict.h. */

#include "verdict.h"

const char *vfa_verdict_name(enum vfa_verdict verdict)
{
    static const char *const names[VFA_VERDICT_N] = {
        [VFA_VERDICT_CANDIDATE] = "candidate",
        [VFA_VERDICT_NOT_ALLOWED] = "not allowed by a device_spec",
        [VFA_VERDICT_ALIAS] = "not what the alias means",
        [VFA_VERDICT_TAGS] = "other tags than requested",
        [VFA_VERDICT_PERMIT] = "not permitted",
        [VFA_VERDICT_CLAIMED] = "claimed",
        [VFA_VERDICT_RELEASING] = "being released",
        [VFA_VERDICT_CLEANING] = "being cleaned",
        [VFA_VERDICT_STATIC] = "static host device of a domain",
        [VFA_VERDICT_NETWORK] = "port of a libvirt network",
        [VFA_VERDICT_PF_VF_CLAIMED] = "PF or VF claimed",
        [VFA_VERDICT_GROUP_TAKEN] = "IOMMU group taken by another domain",
        [VFA_VERDICT_QUARANTINED] = "quarantined",
        [VFA_VERDICT_MISSING] = "gone or changed",
        [VFA_VERDICT_DRIVER] = "other driver",
        [VFA_VERDICT_NETDEV] = "netdev in use",
        [VFA_VERDICT_VF] = "VF in use",
        [VFA_VERDICT_HAS_CHILDREN] = "in use for a vDPA or mediated device",
        [VFA_VERDICT_FULL] = "can make no more",
        [VFA_VERDICT_DISK] = "disk in use",
        [VFA_VERDICT_NO_NETDEV] = "no netdev for a macvtap",
        [VFA_VERDICT_PF_DOWN] = "PF down",
        [VFA_VERDICT_GROUP] = "IOMMU group not viable",
        [VFA_VERDICT_HELD] = "held by a program",
        [VFA_VERDICT_NUMA] = "NUMA policy",
    };

    return names[verdict];
}
