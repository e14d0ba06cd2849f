/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the state says of itself: counters, and whether the claims are those of the running domains.
 */
#ifndef VFA_STATE_META_H
#define VFA_STATE_META_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

/* ---- counters that only grow, by which a process sees what others did ---- */
enum vfa_counter {
    VFA_COUNTER_SCANS, /* the index was replaced */
    VFA_COUNTER_FREED, /* a claim or a quarantine ended, or vfa_state_count_up() said so */
    VFA_COUNTER_ENDED, /* a domain has lost a claim; its device may not be free yet */
    VFA_COUNTER_STALE_DEFINITIONS, /* see vfa_state_each_stale_definition() */
};
int vfa_state_counter(struct vfa_state *state, enum vfa_counter which, int64_t *ret,
                      struct vfa_error *err);
int vfa_state_count_up(struct vfa_state *state, enum vfa_counter which, struct vfa_error *err);

/* ---- whether the claims are those of the running domains ---- */
int vfa_state_synced(struct vfa_state *state, bool *ret, struct vfa_error *err);
int vfa_state_set_synced(struct vfa_state *state, struct vfa_error *err);

/* While they are not: the name of a running domain that the daemon cannot read and waits for, for
 * messages; NULL: none is known. free() it. */
int vfa_state_awaited(struct vfa_state *state, char **ret, struct vfa_error *err);
int vfa_state_set_awaited(struct vfa_state *state, const char *domain, struct vfa_error *err);

#endif
