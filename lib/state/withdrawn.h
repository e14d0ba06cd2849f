/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Withdrawals: requests of a running domain that are left alone until it asks anew or starts again:
 * its user detached the device by hand, or they are optional and found none. vfa_state_withdraw()
 * makes one (drop.h).
 */
#ifndef VFA_STATE_WITHDRAWN_H
#define VFA_STATE_WITHDRAWN_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

enum vfa_withdrawal {
    VFA_WITHDRAWAL_NONE,
    VFA_WITHDRAWAL_USER,
    VFA_WITHDRAWAL_BORROWED, /* a program took the device out and is at work: see borrowers */
    VFA_WITHDRAWAL_RETURNED, /* it is not any more: the guest gets its device back */
};
int vfa_state_withdrawal(struct vfa_state *state, const char *uuid, const char *request,
                         enum vfa_withdrawal *ret, struct vfa_error *err);
/* True in *ret if the request is to be left alone now. */
int vfa_state_is_withdrawn(struct vfa_state *state, const char *uuid, const char *request,
                           bool *ret, struct vfa_error *err);
/* Those of the user; and (the domain starts or has ended) borrowed ones as well. */
int vfa_state_forget_withdrawals(struct vfa_state *state, const char *uuid, struct vfa_error *err);
int vfa_state_forget_all_withdrawals(struct vfa_state *state, const char *uuid,
                                     struct vfa_error *err);

/* ---- borrowers: programs that take devices out of a guest and see to it that it gets them back,
 * here or elsewhere. A borrowed request keeps its claim. However its borrower ends, vfaliasd gives
 * the guest its device back then. ---- */

/* Makes this process one, inside a write transaction in which it also borrows its first request.
 * End with vfa_lock_endp(ret_fd). */
int vfa_state_become_lease_holder(struct vfa_state *state, int64_t *ret_number, int *ret_fd,
                                  struct vfa_error *err);
/* In place of a withdrawal that may be there. */
int vfa_state_lease(struct vfa_state *state, const char *uuid, const char *request, int64_t number,
                    struct vfa_error *err);
int vfa_state_end_lease(struct vfa_state *state, const char *uuid, const char *request,
                        struct vfa_error *err);
/* Each domain of which something is borrowed, or was and is not given back yet, once. */
int vfa_state_each_leased(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                          struct vfa_error *err);

#endif
