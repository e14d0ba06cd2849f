/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See release.h. Each step compares the claim with what the caller read (SAME), so that a slow
 * process does not change a claim that another process has ended, or the next claim of the device.
 */

#include "release.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "claims.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <time.h>

#define SAME                                                                                       \
    " WHERE device = ?1 AND uuid = ?2 AND request = ?3 AND since = ?4 AND state = ?5"              \
    " AND state_since = ?6"
#define SAME_TYPES "sssisi"
#define SAME_VALUES(claim)                                                                         \
    (claim)->device, (claim)->uuid, (claim)->request, (claim)->since,                              \
        vfa_claim_state_name((claim)->state), (claim)->state_since

static int change_claim(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err)
{
    int r = vfa_sql_finish(state, stmt, err);

    if (r < 0)
        return r;
    return sqlite3_changes(state->db) ? 0 : VFA_STATE_ABSENT;
}

int vfa_state_begin_release(struct vfa_state *state, const struct vfa_claim *claim, const char *why,
                            struct vfa_error *err)
{
    return change_claim(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE claim SET state = 'releasing', state_since = ?8, why = ?7,"
                        " attempts = 0, error = NULL" SAME " AND " VFA_CLAIM_HELD,
                        SAME_TYPES "si", SAME_VALUES(claim), why, (int64_t)time(NULL)),
        err);
}

int vfa_state_set_cleaner(struct vfa_state *state, const struct vfa_claim *claim,
                          const char *cleaner, struct vfa_error *err)
{
    return change_claim(state,
                        vfa_sql_prepare(state, err, "UPDATE claim SET cleaner = ?7" SAME,
                                        SAME_TYPES "s", SAME_VALUES(claim), cleaner),
                        err);
}

int vfa_state_begin_cleaning(struct vfa_state *state, const struct vfa_claim *claim,
                             struct vfa_error *err)
{
    return change_claim(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE claim SET state = 'cleaning', state_since = ?7, attempts = 0,"
                        " error = NULL" SAME " AND state = 'releasing'",
                        SAME_TYPES "i", SAME_VALUES(claim), (int64_t)time(NULL)),
        err);
}

int vfa_state_set_release_error(struct vfa_state *state, const struct vfa_claim *claim,
                                const char *text, struct vfa_error *err)
{
    return change_claim(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE claim SET error = ?7,"
                        " attempts = iif(?7 IS NULL, 0, attempts + 1),"
                        " state_since = min(state_since, ?8)" SAME " AND NOT " VFA_CLAIM_HELD,
                        SAME_TYPES "si", SAME_VALUES(claim), text, (int64_t)time(NULL)),
        err);
}

int vfa_state_end_release(struct vfa_state *state, const struct vfa_claim *claim,
                          struct vfa_error *err)
{
    return change_claim(state,
                        vfa_sql_prepare(state, err,
                                        "DELETE FROM claim" SAME " AND NOT " VFA_CLAIM_HELD,
                                        SAME_TYPES, SAME_VALUES(claim)),
                        err);
}

int vfa_state_count_ending(struct vfa_state *state, const char *alias,
                           enum vfa_claim_state claim_state, unsigned *ret, struct vfa_error *err)
{
    int64_t n = 0;
    int r = vfa_sql_number(
        state,
        vfa_sql_prepare(state, err,
                        "SELECT count(DISTINCT c.device) FROM claim c"
                        " INDEXED BY claim_ending"
                        " CROSS JOIN member m ON m.device = coalesce(c.maker, c.device)"
                        " CROSS JOIN pool p ON p.id = m.pool"
                        " WHERE c.state IN ('releasing', 'cleaning') AND c.state = ?1"
                        " AND p.alias = ?2",
                        "ss", vfa_claim_state_name(claim_state), alias),
        &n, err);

    if (r == 0)
        *ret = (unsigned)n;
    return r;
}

int vfa_state_ending(struct vfa_state *state, struct vfa_claims *ret, struct vfa_error *err)
{
    return vfa_sql_claims(state,
                          vfa_sql_prepare(state, err,
                                          "SELECT " VFA_CLAIM_COLUMNS
                                          " FROM claim INDEXED BY claim_ending"
                                          " WHERE state IN ('releasing', 'cleaning')"
                                          " ORDER BY state_since, device",
                                          ""),
                          ret, err);
}

int vfa_state_last_owner(struct vfa_state *state, const char *device, char ret[VFA_UUID_SIZE],
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt =
        vfa_sql_prepare(state, err, "SELECT uuid FROM last WHERE device = ?", "s", device);
    int r;

    snprintf(ret, VFA_UUID_SIZE, VFA_NO_UUID);
    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r > 0)
        snprintf(ret, VFA_UUID_SIZE, "%s", (const char *)sqlite3_column_text(stmt, 0));
    return r < 0 ? r : r > 0 ? 0 : VFA_STATE_ABSENT;
}
