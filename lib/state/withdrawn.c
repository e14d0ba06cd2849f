/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See withdrawn.h. A lock (lock.h) tells whether a lease holder is running, so a lease ends when
 * its holder is killed, and no clock is needed.
 *
 * The number of a new lease holder is one that no row has, so the rows of an ended lease holder
 * never count as rows of another lease holder.
 */

#include "withdrawn.h"

#include "base/common.h"
#include "base/error.h"
#include "lock.h"
#include "private.h"
#include "state.h"

#define LEASE_HOLDERS_MAX 1000 /* lease holders that run at a time and have no rows yet */

/* Reads the number of the lease holder; 0: withdrawn by the user. VFA_STATE_ABSENT: not
 * withdrawn. */
static int read_lease_holder(struct vfa_state *state, const char *uuid, const char *request,
                             int64_t *ret_holder, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt =
        vfa_sql_prepare(state, err, "SELECT borrower FROM withdrawn WHERE uuid = ? AND request = ?",
                        "ss", uuid, request);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r <= 0)
        return r < 0 ? r : VFA_STATE_ABSENT;
    *ret_holder = sqlite3_column_int64(stmt, 0);
    return 0;
}

int vfa_state_withdrawal(struct vfa_state *state, const char *uuid, const char *request,
                         enum vfa_withdrawal *ret, struct vfa_error *err)
{
    int64_t holder = 0;
    bool alive;
    int r = read_lease_holder(state, uuid, request, &holder, err);

    if (r < 0)
        return r;
    *ret = r == VFA_STATE_ABSENT ? VFA_WITHDRAWAL_NONE : VFA_WITHDRAWAL_USER;
    if (r == VFA_STATE_ABSENT || holder == 0)
        return 0;
    r = vfa_lock_is_leased(state->path, holder, &alive, err);
    if (r == 0)
        *ret = alive ? VFA_WITHDRAWAL_LEASED : VFA_WITHDRAWAL_LEASE_ENDED;
    return r;
}

int vfa_state_is_withdrawn(struct vfa_state *state, const char *uuid, const char *request,
                           bool *ret, struct vfa_error *err)
{
    enum vfa_withdrawal withdrawal = VFA_WITHDRAWAL_NONE;
    int r = vfa_state_withdrawal(state, uuid, request, &withdrawal, err);

    *ret = withdrawal == VFA_WITHDRAWAL_USER || withdrawal == VFA_WITHDRAWAL_LEASED;
    return r;
}

int vfa_state_forget_withdrawals(struct vfa_state *state, const char *uuid, struct vfa_error *err)
{
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err, "DELETE FROM withdrawn WHERE uuid = ? AND borrower IS NULL",
                        "s", uuid),
        err);
}

int vfa_state_forget_all_withdrawals(struct vfa_state *state, const char *uuid,
                                     struct vfa_error *err)
{
    return vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "DELETE FROM withdrawn WHERE uuid = ?", "s", uuid), err);
}

/* ---- leases ---- */

int vfa_state_become_lease_holder(struct vfa_state *state, int64_t *ret_number, int *ret_fd,
                                  struct vfa_error *err)
{
    int64_t number = 0;
    int r = vfa_sql_number(state,
                           vfa_sql_prepare(state, err, "SELECT max(borrower) FROM withdrawn", ""),
                           &number, err);

    if (r == 0)
        r = VFA_LOCK_TAKEN;
    for (int i = 0; r == VFA_LOCK_TAKEN && i < LEASE_HOLDERS_MAX; i++)
        r = vfa_lock_lease(state->path, ++number, ret_fd, err);
    if (r == VFA_LOCK_TAKEN)
        return vfa_fail(err, EBUSY,
                        "cannot lease requests: too many programs hold leases: try again later");
    if (r == 0)
        *ret_number = number;
    return r;
}

int vfa_state_lease(struct vfa_state *state, const char *uuid, const char *request, int64_t number,
                    struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "INSERT OR REPLACE INTO withdrawn VALUES (?, ?, ?)",
                                          "ssi", uuid, request, number),
                          err);
}

int vfa_state_end_lease(struct vfa_state *state, const char *uuid, const char *request,
                        struct vfa_error *err)
{
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(
            state, err,
            "DELETE FROM withdrawn WHERE uuid = ? AND request = ? AND borrower IS NOT NULL", "ss",
            uuid, request),
        err);
}

int vfa_state_each_leased(struct vfa_state *state, void (*visit)(void *data, const char *uuid),
                          void *data, struct vfa_error *err)
{
    return vfa_sql_each(
        state,
        vfa_sql_prepare(state, err,
                        "SELECT DISTINCT uuid FROM withdrawn WHERE borrower IS NOT NULL", ""),
        visit, data, err);
}
