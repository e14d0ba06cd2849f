/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a guest is among the host's NUMA nodes, and what a NUMA policy makes of a device's node.
 *
 * The rules are those of nova/pci/stats.py (_filter_pools_for_numa_cells): a guest without a place
 * of its own is not filtered at all; a device on one of the guest's nodes is always tried first.
 */
#ifndef VFA_NUMA_H
#define VFA_NUMA_H

#include "domxml.h"
#include "sysfs.h"

struct vfa_numa_place {
    struct vfa_bitset nodes;  /* the guest's; empty: it has no place */
    struct vfa_bitset nearby; /* those that share a socket with them, them included */
};

/* The guest's nodes: from <numatune>, else those of the CPUs that it is pinned to. */
int vfa_numa_locate(const struct vfa_sysfs *sysfs, const struct vfa_domain *domain,
                    struct vfa_numa_place *ret, struct vfa_error *err);

/* Attempts are made in this order, from strict to loose. */
enum vfa_numa_pass {
    VFA_NUMA_STRICT, /* the device is on a node of the guest */
    VFA_NUMA_NEARBY, /* socket: on a socket of the guest; legacy, preferred: its node is unknown */
    VFA_NUMA_ANY,    /* preferred: anywhere */
    VFA_NUMA_PASSES,
};

/* True if a device on `node` (-1: unknown) may be taken in this pass. */
bool vfa_numa_allows(enum vfa_numa_policy policy, const struct vfa_numa_place *place, int node,
                     enum vfa_numa_pass pass);

#endif
