/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deleting the claims that domains hold, together with the withdrawals that depend on them.
 * Results and errors: see state.h. */
#ifndef VFA_STATE_DROP_H
#define VFA_STATE_DROP_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

/* Deletes the held claim of one request of a domain, or (request NULL) all held claims and all
 * withdrawals of the domain. *ret_n, if not NULL, gets the number of deleted claims; 0 is no error.
 * -EEXIST if a device has saved settings (schema.sql, trigger claim_saved): call the functions of
 * claim/release.h for such claims, which restore the settings first. */
int vfa_state_release(struct vfa_state *state, const char *uuid, const char *request, size_t *ret_n,
                      struct vfa_error *err);

/* Withdraws a request (withdrawn.h) and deletes its claim. Errors as of vfa_state_release(). */
int vfa_state_withdraw(struct vfa_state *state, const char *uuid, const char *request,
                       struct vfa_error *err);

#endif
