/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order in which devices are tried for a request. The index proposes them: strict NUMA first;
 * in each pass first the devices that are tentative for nobody else, then those that are; of both,
 * first the one that is tentative for the request, or that it had last, if its pool ranks with the
 * best, then the pools in the order of the alias, each by address. Who walks looks at each device
 * and stops at the one to be had; `vfalias explain` goes on to the end.
 *
 * Last come, whatever their NUMA node: devices in whose way something is that is no fault of
 * theirs, as whoever walks says of a PF and so of all its VFs; and at the very end those that could
 * not be attached to a guest when that was tried (vfa_state_set_failed()).
 *
 * Deterministic: the same state gives the same order. Each free device is visited once at most.
 */
#ifndef VFA_CHOOSE_CANDIDATES_H
#define VFA_CHOOSE_CANDIDATES_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/state.h"
#include "choose.h"
#include "verdict.h"

struct vfa_candidates {
    struct vfa_state *state;
    const struct vfa_config *config;
    const struct vfa_criteria *criteria;
    const char *uuid; /* of the domain; with the request's name it tells the device of last time */
    const char *request; /* its name */

    /* `indexed` is what the index knows, spec the one that allows it or NULL. 0: taken, the walk
     * ends; VFA_STATE_TAKEN: go on; negative: an error. */
    int (*visit)(void *data, const struct vfa_device *indexed, const struct vfa_spec *spec,
                 struct vfa_error *err);
    /* True if the VFs of this PF are for when there is nothing else. Asked once a pool at most, of
     * those that a device may come from; NULL: of none. */
    bool (*is_last_resort)(void *data, const struct vfa_pci_addr *pf);
    void *data;
};

/* 0: a device was taken; VFA_STATE_END: none was; or an error. */
int vfa_candidates(const struct vfa_candidates *candidates, struct vfa_error *err);

/* What the index has free for the alias but no walk comes to, by reason: adds to dropped[]. */
int vfa_candidates_count_others(const struct vfa_candidates *candidates,
                                unsigned dropped[VFA_VERDICT_N], struct vfa_error *err);

#endif
