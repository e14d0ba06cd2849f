/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See hold.h. */

#include "hold.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <string.h>
#include <time.h>

void vfa_holds_clear(struct vfa_holds *holds)
{
    free(holds->items);
    *holds = (struct vfa_holds){NULL, 0};
}

int vfa_state_want_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "INSERT OR REPLACE INTO hold (uuid, since) VALUES (?, ?)",
                                          "si", uuid, (int64_t)time(NULL)),
                          err);
}

static int append_hold(sqlite3_stmt *stmt, struct vfa_holds *holds, struct vfa_error *err)
{
    struct vfa_hold *hold = vfa_array_grow(&holds->items, holds->n);

    if (!hold)
        return vfa_fail_oom(err);
    *hold = (struct vfa_hold){
        .id = sqlite3_column_int64(stmt, 0),
        .held = sqlite3_column_int(stmt, 2) != 0,
        .since = sqlite3_column_int64(stmt, 3),
    };
    snprintf(hold->uuid, sizeof(hold->uuid), "%s", (const char *)sqlite3_column_text(stmt, 1));
    holds->n++;
    return 0;
}

int vfa_state_holds(struct vfa_state *state, const char *uuid, struct vfa_holds *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err,
                                         "SELECT id, uuid, held, since FROM hold"
                                         " WHERE ?1 IS NULL OR uuid = ?1 ORDER BY id",
                                         "s", uuid);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        r = append_hold(stmt, &holds, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = holds;
    holds = (struct vfa_holds){NULL, 0};
    return 0;
}

int vfa_state_begin_hold(struct vfa_state *state, struct vfa_hold *hold, struct vfa_error *err)
{
    int64_t now = (int64_t)time(NULL);
    int r = vfa_sql_finish(state,
                           vfa_sql_prepare(state, err,
                                           "UPDATE hold SET held = 1, since = iif(held, since, ?3)"
                                           " WHERE id = ?1 AND held = ?2",
                                           "iii", hold->id, (int64_t)hold->held, now),
                           err);

    if (r < 0)
        return r;
    if (sqlite3_changes(state->db) == 0)
        return VFA_STATE_ABSENT;
    hold->since = hold->held ? hold->since : now;
    hold->held = true;
    return 0;
}

int vfa_state_end_hold(struct vfa_state *state, const struct vfa_hold *hold, struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err, "DELETE FROM hold WHERE id = ? AND held = ?",
                                          "ii", hold->id, (int64_t)hold->held),
                          err);
}

int vfa_state_forget_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err)
{
    return vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "DELETE FROM hold WHERE uuid = ?", "s", uuid), err);
}
