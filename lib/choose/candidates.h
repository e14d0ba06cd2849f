/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order in which free devices are tried for a request. The caller's visit() judges each device
 * and ends the iteration by taking one; `vfalias explain` lets it run to the end.
 *
 * The order, from the outermost criterion to the innermost:
 * 1. usable devices; then VFs of PFs for which is_last_resort() is true; then devices whose last
 *    attach failed (vfa_state_set_failed()). NUMA does not change the order of these three.
 * 2. the passes of the NUMA policy, strict first (numa-policy.h).
 * 3. devices that are not reserved for another request, then reserved ones (tentative.h).
 * 4. the device that is tentative for the request, or that the request had before, if its pool
 *    ranks equal to the best pool.
 * 5. pools in the order of the alias's strategy, and the devices of a pool by address.
 *
 * Deterministic: the same state gives the same order. No free device is visited twice.
 */
#ifndef VFA_CHOOSE_CANDIDATES_H
#define VFA_CHOOSE_CANDIDATES_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/state.h"
#include "choose.h"
#include "verdict.h"

struct vfa_candidates {
    struct vfa_state *state;
    const struct vfa_config *config;
    const struct vfa_criteria *criteria;
    const char *uuid;    /* of the domain; UUID and request name find the previous device */
    const char *request; /* its name */

    /* `indexed` is the device as in the index; spec is the device_spec that allows it, or NULL. 0:
     * taken, the iteration ends; VFA_STATE_TAKEN: the next device; negative: an error. */
    int (*visit)(void *data, const struct vfa_device *indexed, const struct vfa_spec *spec,
                 struct vfa_error *err);
    /* True if the VFs of this PF are to be tried last. Called once or never for each pool. NULL: no
     * PF is. */
    bool (*is_last_resort)(void *data, const struct vfa_pci_addr *pf);
    void *data;
};

/* 0: a device was taken; VFA_STATE_END: no device was taken; or an error. */
int vfa_candidates(const struct vfa_candidates *candidates, struct vfa_error *err);

/* Adds to dropped[], by verdict, the free devices of the alias that vfa_candidates() never visits:
 * those with other tags, and those that the NUMA policy excludes. */
int vfa_candidates_count_others(const struct vfa_candidates *candidates,
                                unsigned dropped[VFA_VERDICT_N], struct vfa_error *err);

#endif
