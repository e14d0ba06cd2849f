/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See numa-policy.h. */

#include "numa-policy.h"

#include "base/bitset.h"
#include "device/topology.h"
#include "spec/spec.h"

bool vfa_numa_allows(enum vfa_numa_policy policy, const struct vfa_numa_place *place, int node,
                     enum vfa_numa_pass pass)
{
    if (vfa_bitset_empty(&place->nodes))
        return pass == VFA_NUMA_STRICT;
    if (pass == VFA_NUMA_STRICT)
        return node >= 0 && vfa_bitset_has(&place->nodes, (unsigned)node);
    switch (policy) {
    case VFA_NUMA_SOCKET:
        return pass == VFA_NUMA_NEARBY && node >= 0 &&
               vfa_bitset_has(&place->nearby, (unsigned)node);
    case VFA_NUMA_PREFERRED:
        return pass == VFA_NUMA_ANY || node < 0;
    case VFA_NUMA_LEGACY:
        return pass == VFA_NUMA_NEARBY && node < 0;
    case VFA_NUMA_REQUIRED:
        break;
    }
    return false;
}
