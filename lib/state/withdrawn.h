/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Withdrawals: requests of a running domain that vfalias leaves alone until the requests of the
 * domain change or the domain starts again. A request is withdrawn if its user detached the device
 * by hand, or if it is optional and no device was free. vfa_state_withdraw() makes a withdrawal
 * (drop.h). Results and errors: see state.h.
 */
#ifndef VFA_STATE_WITHDRAWN_H
#define VFA_STATE_WITHDRAWN_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

enum vfa_withdrawal {
    VFA_WITHDRAWAL_NONE,
    VFA_WITHDRAWAL_USER,
    VFA_WITHDRAWAL_LEASED,      /* leased, and its holder is running */
    VFA_WITHDRAWAL_LEASE_ENDED, /* leased; its holder has ended: attach the device again */
};
/* Reads whether, and how, a request is withdrawn. Errors also as of vfa_lock_is_leased(). */
int vfa_state_withdrawal(struct vfa_state *state, const char *uuid, const char *request,
                         enum vfa_withdrawal *ret, struct vfa_error *err);
/* True in *ret if vfalias must leave the request alone now: withdrawn by the user, or leased with a
 * running lease holder. */
int vfa_state_is_withdrawn(struct vfa_state *state, const char *uuid, const char *request,
                           bool *ret, struct vfa_error *err);
/* Deletes the withdrawals of a domain, but not its leases. */
int vfa_state_forget_withdrawals(struct vfa_state *state, const char *uuid, struct vfa_error *err);
/* Deletes the withdrawals and the leases of a domain that starts or has ended. */
int vfa_state_forget_all_withdrawals(struct vfa_state *state, const char *uuid,
                                     struct vfa_error *err);

/* ---- leases ---- */

/* A lease holder is a program (vfalias detach, migrate) that takes a device out of a guest for a
 * while. The claim of the request stays. However the lease holder ends, vfaliasd then attaches the
 * device again. */

/* Makes this process a lease holder. Call it inside a write transaction, and add the first lease in
 * the same transaction. *ret_number is a number that no row and no running lease holder has;
 * *ret_fd holds its lock (vfa_lock_lease()): end with vfa_lock_endp(). -EBUSY: too many lease
 * holders. */
int vfa_state_become_lease_holder(struct vfa_state *state, int64_t *ret_number, int *ret_fd,
                                  struct vfa_error *err);
/* Leases a request to the lease holder with this number. Replaces a withdrawal of the request. */
int vfa_state_lease(struct vfa_state *state, const char *uuid, const char *request, int64_t number,
                    struct vfa_error *err);
/* Deletes the lease of a request. Returns 0 as well if there is none. */
int vfa_state_end_lease(struct vfa_state *state, const char *uuid, const char *request,
                        struct vfa_error *err);
/* Calls visit() once for each domain with a lease, also if the lease holder has ended. */
int vfa_state_each_leased(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                          struct vfa_error *err);

#endif
