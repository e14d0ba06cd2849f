/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the index of the state file: all of it is made outside of the file and replaced in one
 * transaction.
 */
#ifndef VFA_STATE_INDEX_BUILD_H
#define VFA_STATE_INDEX_BUILD_H

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state.h"

/* What the checks of the devices of an inventory said, by their number there. */
struct vfa_index_checks {
    /* 1: only claims and quarantine keep the device from a guest; 0: something else does; -1: it is
     * not known. alias NULL: whatever the alias. spec: the device_spec that allows it, or NULL. */
    int (*healthy)(const void *data, size_t number, const struct vfa_device *dev,
                   const struct vfa_spec *spec, const struct vfa_alias *alias);
    const void *data; /* borrowed */
};

/* Makes what is to replace the index, by what configuration and inventory say. Outside of the file:
 * call it while no transaction is open, so that nobody waits for it. checks: what the checks of
 * each device of the inventory said; NULL: they were not made. */
int vfa_state_index_prepare(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, const struct vfa_index_checks *checks,
                            struct vfa_error *err);
/* Replaces the index by what was prepared with the same handle, of a scan that began at `scanned`.
 * Claims stay as they are. */
int vfa_state_index_install(struct vfa_state *state, const struct vfa_config *config,
                            int64_t scanned, struct vfa_error *err);
/* Both, without checks. */
int vfa_state_index_replace(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, struct vfa_error *err);

#endif
