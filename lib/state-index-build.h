/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the index of the state file: all of it is made outside of the file and replaced in one
 * transaction.
 */
#ifndef VFA_STATE_INDEX_BUILD_H
#define VFA_STATE_INDEX_BUILD_H

#include "config.h"
#include "inventory.h"
#include "state-file.h"

struct vfa_checked; /* choose.h */

/* Makes what is to replace the index, by what configuration and inventory say. Outside of the file:
 * call it while no transaction is open, so that nobody waits for it. checked: what the checks of
 * each device of the inventory said; NULL: they were not made. */
int vfa_state_index_prepare(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, const struct vfa_checked *checked,
                            struct vfa_error *err);
/* Replaces the index by what was prepared with the same handle, of a scan that began at `scanned`.
 * Claims stay as they are. */
int vfa_state_index_install(struct vfa_state *state, const struct vfa_config *config,
                            int64_t scanned, struct vfa_error *err);
/* Both, without checks. */
int vfa_state_index_replace(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, struct vfa_error *err);

#endif
