/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See verdict.h. */

#include "verdict.h"

const char *vfa_drop_name(enum vfa_drop drop)
{
    static const char *const names[VFA_DROP_N] = {
        [VFA_DROP_NONE] = "candidate",
        [VFA_DROP_NOT_ALLOWED] = "not allowed by a device_spec",
        [VFA_DROP_ALIAS] = "not what the alias means",
        [VFA_DROP_TAGS] = "other tags than requested",
        [VFA_DROP_PERMIT] = "not permitted",
        [VFA_DROP_CLAIMED] = "claimed",
        [VFA_DROP_RELEASING] = "being released",
        [VFA_DROP_CLEANING] = "being cleaned",
        [VFA_DROP_STATIC] = "static host device of a domain",
        [VFA_DROP_NETWORK] = "port of a libvirt network",
        [VFA_DROP_FAMILY] = "PF or VF claimed",
        [VFA_DROP_GROUP_TAKEN] = "IOMMU group taken by another domain",
        [VFA_DROP_QUARANTINED] = "quarantined",
        [VFA_DROP_GONE] = "gone or changed",
        [VFA_DROP_DRIVER] = "other driver",
        [VFA_DROP_NETDEV] = "netdev in use",
        [VFA_DROP_VF] = "VF in use",
        [VFA_DROP_OFFSPRING] = "in use for a vDPA or mediated device",
        [VFA_DROP_DISK] = "disk in use",
        [VFA_DROP_NO_NETDEV] = "no netdev for a macvtap",
        [VFA_DROP_PF_DOWN] = "PF down",
        [VFA_DROP_GROUP] = "IOMMU group not viable",
        [VFA_DROP_HELD] = "held by a program",
        [VFA_DROP_NUMA] = "NUMA policy",
    };

    return names[drop];
}
