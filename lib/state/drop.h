/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dropping claims that domains hold, with what else the state has of a domain or a request. */
#ifndef VFA_STATE_DROP_H
#define VFA_STATE_DROP_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

/* Drops the claims that a domain holds: one request, or (request NULL) all and its withdrawals.
 * *ret_n, if not NULL, gets their number. None there is fine. Those whose devices were changed
 * cannot be dropped: others call claim/release.h, which has them put back first. */
int vfa_state_release(struct vfa_state *state, const char *uuid, const char *request, size_t *ret_n,
                      struct vfa_error *err);

/* The request is left alone (withdrawn.h); drops its claim, too. */
int vfa_state_withdraw(struct vfa_state *state, const char *uuid, const char *request,
                       struct vfa_error *err);

#endif
