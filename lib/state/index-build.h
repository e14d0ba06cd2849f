/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the index of the state file (index.h): all rows are made outside the file, then replace
 * the rows of the file in one transaction. Results and errors: see state.h.
 */
#ifndef VFA_STATE_INDEX_BUILD_H
#define VFA_STATE_INDEX_BUILD_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state.h"

/* The results of the health checks of an inventory's devices. */
struct vfa_index_checks {
    /* Returns 1 if nothing but claims and quarantine keeps the device from a guest, 0 if something
     * else does, -1 if that is not known. number: index of `dev` in the inventory. spec: the
     * device_spec that allows the device, or NULL. alias NULL: for any alias. */
    int (*healthy)(const void *data, size_t number, const struct vfa_device *dev,
                   const struct vfa_spec *spec, const struct vfa_alias *alias);
    const void *data; /* first argument of healthy(); borrowed */
};

/* Makes the rows of a new index from configuration and inventory, in temporary tables of this
 * handle. Call it while no transaction is open, so that no other program waits for it. checks NULL:
 * the devices were not checked. */
int vfa_state_index_prepare(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, const struct vfa_index_checks *checks,
                            struct vfa_error *err);
/* Replaces the index by the rows that vfa_state_index_prepare() made with the same handle and
 * configuration. scanned: when the scan began (`scanned` of the inventory). Claims do not
 * change. */
int vfa_state_index_install(struct vfa_state *state, const struct vfa_config *config,
                            int64_t scanned, struct vfa_error *err);
/* Calls both functions, without checks. */
int vfa_state_index_replace(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, struct vfa_error *err);

#endif
