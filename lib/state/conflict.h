/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conflicts of claims, by their keys (device/keys.h). Results and errors: see state.h.
 */
#ifndef VFA_STATE_CONFLICT_H
#define VFA_STATE_CONFLICT_H

#include "base/common.h"
#include "base/error.h"
#include "device/keys.h"
#include "claims.h"
#include "state.h"

/* Finds the claim that keeps the domain `uuid` from claiming a device with these keys. Of several,
 * a claim on the device itself comes first, then a held claim, then a claim of another domain.
 * Returns VFA_STATE_ABSENT if there is no such claim. ret->key is the key in conflict. Clear *ret
 * with vfa_claim_clear(). */
int vfa_state_holder(struct vfa_state *state, const struct vfa_keys *keys, const char *uuid,
                     struct vfa_claim *ret, struct vfa_error *err);

/* The keys of all claims, and the claims that hold them. */
struct vfa_held_key {
    char *text;
    char mode;
    const struct vfa_claim *claim; /* borrowed */
};
struct vfa_held_keys {
    struct vfa_held_key *items; /* sorted by text, then mode */
    size_t n;
};
/* Frees the list; the list is empty then. */
void vfa_held_keys_clear(struct vfa_held_keys *list);

/* Reads the keys of `claims`, which vfa_state_all_claims() has read of all domains. Keys of claims
 * that were made meanwhile are left out. Clear *ret with vfa_held_keys_clear(). */
int vfa_state_held_keys(struct vfa_state *state, const struct vfa_claims *claims,
                        struct vfa_held_keys *ret, struct vfa_error *err);

/* The same as vfa_state_holder(), from such a list: the conflicting entry, or NULL. Borrowed. */
const struct vfa_held_key *vfa_held_keys_holder(const struct vfa_held_keys *list,
                                                const struct vfa_keys *keys, const char *uuid);

/* The number of claims in such a list that hold a key of this text. */
size_t vfa_held_keys_count(const struct vfa_held_keys *list, const char *text);

#endif
