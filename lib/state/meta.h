/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of the state file, and whether its claims are those of the running domains. Results and
 * errors: see state.h. */
#ifndef VFA_STATE_META_H
#define VFA_STATE_META_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

/* ---- counters: they only grow, so a process sees what other processes did ---- */
enum vfa_counter {
    VFA_COUNTER_SCANS, /* the index was replaced */
    VFA_COUNTER_FREED, /* a claim or a quarantine ended, or vfa_state_count_up() was called */
    VFA_COUNTER_ENDED, /* a domain lost a claim; the device may not be free yet */
    VFA_COUNTER_STALE_DEFINITIONS, /* see vfa_state_each_stale_definition() */
};
/* Reads a counter. */
int vfa_state_counter(struct vfa_state *state, enum vfa_counter which, int64_t *ret,
                      struct vfa_error *err);
/* Adds one to a counter. */
int vfa_state_count_up(struct vfa_state *state, enum vfa_counter which, struct vfa_error *err);

/* ---- whether the claims are those of the running domains ---- */

/* True in *ret if the state has the claims of all running domains. False after a reboot or after a
 * damaged file was set aside while domains run, until vfaliasd has rebuilt the claims. */
int vfa_state_synced(struct vfa_state *state, bool *ret, struct vfa_error *err);
/* Records that vfaliasd has rebuilt the claims. */
int vfa_state_set_synced(struct vfa_state *state, struct vfa_error *err);

/* While the state is not synced: the name of a running domain that vfaliasd cannot read yet, for
 * messages. *ret is NULL if there is none; the caller frees it with free(). */
int vfa_state_awaited(struct vfa_state *state, char **ret, struct vfa_error *err);
/* Records that name. */
int vfa_state_set_awaited(struct vfa_state *state, const char *domain, struct vfa_error *err);

#endif
