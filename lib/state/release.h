/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a claim: held, then releasing, then cleaning, then deleted. The domain loses the
 * device first; the device becomes free last. schema.sql allows no step back (trigger claim_ends).
 *
 * Each step applies to the claim as the caller read it (device, domain, request, state and times).
 * It returns VFA_STATE_ABSENT, and changes nothing, if that claim has changed or is gone. Other
 * results and errors: see state.h.
 */
#ifndef VFA_STATE_RELEASE_H
#define VFA_STATE_RELEASE_H

#include "base/error.h"
#include "base/uuid.h"
#include "claims.h"
#include "state.h"

/* Sets the state of a held claim to releasing. `why`: the reason, for a person. */
int vfa_state_begin_release(struct vfa_state *state, const struct vfa_claim *claim, const char *why,
                            struct vfa_error *err);

/* Sets the program that must run before the device is free; NULL: none. */
int vfa_state_set_cleaner(struct vfa_state *state, const struct vfa_claim *claim,
                          const char *cleaner, struct vfa_error *err);

/* Sets the state from releasing to cleaning, after the saved settings were restored. -EEXIST if the
 * device still has saved settings (schema.sql, trigger claim_unclean). */
int vfa_state_begin_cleaning(struct vfa_state *state, const struct vfa_claim *claim,
                             struct vfa_error *err);

/* Records that the present step failed: counts it, and keeps `text`. NULL resets both. */
int vfa_state_set_release_error(struct vfa_state *state, const struct vfa_claim *claim,
                                const char *text, struct vfa_error *err);

/* Deletes a claim that is releasing or cleaning: the device is free, or in quarantine. -EEXIST if
 * the device has saved settings and is not in quarantine (schema.sql, trigger claim_saved). */
int vfa_state_end_release(struct vfa_state *state, const struct vfa_claim *claim,
                          struct vfa_error *err);

/* Reads the UUID of the domain that last had the device for a request of an alias. If that is not
 * known, returns VFA_STATE_ABSENT with VFA_NO_UUID in `ret`. */
int vfa_state_last_owner(struct vfa_state *state, const char *device, char ret[VFA_UUID_SIZE],
                         struct vfa_error *err);

/* Reads the claims that are releasing or cleaning, sorted by the time they entered that state. The
 * index claim_ending makes this free of cost if there are none. Clear *ret with
 * vfa_claims_clear(). */
int vfa_state_ending(struct vfa_state *state, struct vfa_claims *ret, struct vfa_error *err);

/* Counts the devices of an alias whose claim has this state, which is releasing or cleaning. */
int vfa_state_count_ending(struct vfa_state *state, const char *alias,
                           enum vfa_claim_state claim_state, unsigned *ret, struct vfa_error *err);

#endif
