/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umbrella, goes with the move */
#ifndef VFA_NUMA_H
#define VFA_NUMA_H

#include "domxml.h"
#include "numa-policy.h"
#include "topology.h"

static inline int vfa_numa_locate(const struct vfa_sysfs *tree, const struct vfa_domain *domain,
                                  struct vfa_numa_place *ret, struct vfa_error *err)
{
    return vfa_topology_locate(tree, &domain->numa_nodes, &domain->pinned_cpus, ret, err);
}

#endif
