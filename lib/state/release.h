/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a claim: held, then releasing, then cleaning, then gone. The domain loses the device
 * first, the device becomes free last. Each step names the claim as it was read: VFA_STATE_ABSENT
 * if it is another one by now, or gone.
 */
#ifndef VFA_STATE_RELEASE_H
#define VFA_STATE_RELEASE_H

#include "base/error.h"
#include "base/uuid.h"
#include "claims.h"
#include "state.h"

/* Sets the state to releasing. `why`: the reason, for a person. */
int vfa_state_begin_release(struct vfa_state *state, const struct vfa_claim *claim, const char *why,
                            struct vfa_error *err);

/* Which program has to run before the device is free; NULL: none. */
int vfa_state_set_cleaner(struct vfa_state *state, const struct vfa_claim *claim,
                          const char *cleaner, struct vfa_error *err);

/* What was changed of the device has been put back: cleaning as of now. */
int vfa_state_begin_cleaning(struct vfa_state *state, const struct vfa_claim *claim,
                             struct vfa_error *err);

/* Notes that the step failed once more, and why; NULL clears both. */
int vfa_state_set_release_error(struct vfa_state *state, const struct vfa_claim *claim,
                                const char *text, struct vfa_error *err);

/* Drops a claim that nobody holds: its device is free, or in quarantine. */
int vfa_state_end_release(struct vfa_state *state, const struct vfa_claim *claim,
                          struct vfa_error *err);

/* The UUID of the domain that had a device for a request last; the nil UUID, and VFA_STATE_ABSENT,
 * if that is not known. */
int vfa_state_last_owner(struct vfa_state *state, const char *device, char ret[VFA_UUID_SIZE],
                         struct vfa_error *err);

/* Those that nobody holds, who waits longest first. Costs nothing where there are none. */
int vfa_state_ending(struct vfa_state *state, struct vfa_claims *ret, struct vfa_error *err);

/* How many devices of an alias are in a state after their claim was held: releasing or cleaning. */
int vfa_state_count_ending(struct vfa_state *state, const char *alias,
                           enum vfa_claim_state claim_state, unsigned *ret, struct vfa_error *err);

#endif
