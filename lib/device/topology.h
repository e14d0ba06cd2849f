/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The NUMA nodes and CPUs of the host, and the place of a guest among them. */
#ifndef VFA_DEVICE_TOPOLOGY_H
#define VFA_DEVICE_TOPOLOGY_H

#include "base/bitset.h"
#include "base/error.h"
#include "sysfs.h"

struct vfa_numa_place {
    struct vfa_bitset nodes;  /* of the guest; empty: the guest is not bound to nodes */
    struct vfa_bitset nearby; /* `nodes`, and the nodes on the same sockets */
};

/* Finds the place of a guest: `nodes` (from its <numatune>), or, if `nodes` is empty, the nodes of
 * the CPUs that it is pinned to. -EINVAL: these CPUs are on no node of this host. */
int vfa_topology_locate(const struct vfa_sysfs *sysfs, const struct vfa_bitset *nodes,
                        const struct vfa_bitset *cpus, struct vfa_numa_place *ret,
                        struct vfa_error *err);

#endif
