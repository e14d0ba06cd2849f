/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a NUMA policy makes of a device's node. Pure.
 *
 * The rules are those of nova/pci/stats.py (_filter_pools_for_numa_cells): a guest without a place
 * of its own is not filtered at all; a device on one of the guest's nodes is always tried first.
 */
#ifndef VFA_CHOOSE_NUMA_POLICY_H
#define VFA_CHOOSE_NUMA_POLICY_H

#include "base/common.h"
#include "device/topology.h"
#include "spec/spec.h"

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
