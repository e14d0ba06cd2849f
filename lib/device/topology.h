/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's NUMA nodes and CPUs, and where among them a guest is. */
#ifndef VFA_DEVICE_TOPOLOGY_H
#define VFA_DEVICE_TOPOLOGY_H

#include "base/bitset.h"
#include "base/error.h"
#include "sysfs.h"

struct vfa_numa_place {
    struct vfa_bitset nodes;  /* the guest's; empty: it has no place */
    struct vfa_bitset nearby; /* those that share a socket with them, them included */
};

/* The place of a guest: `nodes` (of its <numatune>), else those of the CPUs that it is pinned to.
 */
int vfa_topology_locate(const struct vfa_sysfs *sysfs, const struct vfa_bitset *nodes,
                        const struct vfa_bitset *cpus, struct vfa_numa_place *ret,
                        struct vfa_error *err);

#endif
