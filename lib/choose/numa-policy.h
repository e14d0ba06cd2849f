/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a NUMA policy allows the node of a device. Pure.
 *
 * The rules are those of nova/pci/stats.py (_filter_pools_for_numa_cells): a guest without NUMA
 * placement gets any device; devices on a node of the guest are tried first.
 */
#ifndef VFA_CHOOSE_NUMA_POLICY_H
#define VFA_CHOOSE_NUMA_POLICY_H

#include "base/common.h"
#include "device/topology.h"
#include "spec/spec.h"

/* The passes over the devices, in this order, from strict to loose. */
enum vfa_numa_pass {
    VFA_NUMA_STRICT, /* a node of the guest */
    VFA_NUMA_NEARBY, /* socket: a socket of the guest; legacy, preferred: the node is unknown */
    VFA_NUMA_ANY,    /* preferred: any node */
    VFA_NUMA_PASSES,
};

/* True if this pass allows a device on `node` (-1: unknown). */
bool vfa_numa_allows(enum vfa_numa_policy policy, const struct vfa_numa_place *place, int node,
                     enum vfa_numa_pass pass);

#endif
