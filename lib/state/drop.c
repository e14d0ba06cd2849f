/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See drop.h. Invariants over two tables: when all claims of a domain are deleted, its withdrawals
 * are deleted too; a request that its user withdrew has no claim.
 */

#include "drop.h"

#include "base/error.h"
#include "private.h"
#include "state.h"
#include "withdrawn.h"

static int delete_claims(struct vfa_state *state, sqlite3_stmt *stmt, size_t *ret_n,
                         struct vfa_error *err)
{
    int r = vfa_sql_finish(state, stmt, err);

    if (r == 0 && ret_n)
        *ret_n = (size_t)sqlite3_changes(state->db);
    return r;
}

int vfa_state_release(struct vfa_state *state, const char *uuid, const char *request, size_t *ret_n,
                      struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = delete_claims(
        state,
        vfa_sql_prepare(state, err,
                        "DELETE FROM claim WHERE uuid = ?1 AND (?2 IS NULL OR request = ?2)"
                        " AND " VFA_CLAIM_HELD,
                        "ss", uuid, request),
        ret_n, err);
    if (r == 0 && !request)
        r = vfa_state_forget_all_withdrawals(state, uuid, err);
    return vfa_state_finish(state, own, r, err);
}

int vfa_state_withdraw(struct vfa_state *state, const char *uuid, const char *request,
                       struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = vfa_sql_finish(state,
                       vfa_sql_prepare(state, err,
                                       "INSERT OR REPLACE INTO withdrawn VALUES (?, ?, NULL)", "ss",
                                       uuid, request),
                       err);
    if (r == 0)
        r = vfa_state_release(state, uuid, request, NULL, err);
    return vfa_state_finish(state, own, r, err);
}
