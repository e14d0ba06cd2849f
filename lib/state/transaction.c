/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transactions of the state file. The begin and the commit of each write transaction check that the
 * open file is still the file at the path: another process may have set it aside.
 */

#include "base/error.h"
#include "private.h"
#include "state.h"

#include <string.h>

/* Fails with -ESTALE if the file at the path is not the open file. SQLite checks that, too, but
 * only before the first write of a transaction (SQLITE_READONLY_DBMOVED). */
static int check_in_place(struct vfa_state *state, struct vfa_error *err)
{
    int moved = 0;

    sqlite3_file_control(state->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved ? vfa_sql_fail_replaced(state, err) : 0;
}

int vfa_state_begin(struct vfa_state *state, struct vfa_error *err)
{
    int r = vfa_sql_exec(state, "BEGIN IMMEDIATE", err);

    if (r == 0)
        r = check_in_place(state, err);
    if (r < 0)
        vfa_state_rollback(state);
    return r;
}

int vfa_state_commit(struct vfa_state *state, struct vfa_error *err)
{
    int r = check_in_place(state, err);

    return r == 0 ? vfa_sql_exec(state, "COMMIT", err) : r;
}

void vfa_state_rollback(struct vfa_state *state)
{
    if (!sqlite3_get_autocommit(state->db))
        sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
}

bool vfa_state_is_open(const struct vfa_state *state)
{
    return !sqlite3_get_autocommit(state->db);
}

bool vfa_state_is_copy(const struct vfa_state *state)
{
    return strcmp(state->path, VFA_STATE_IN_MEMORY) == 0;
}

int vfa_state_join(struct vfa_state *state, bool *ret_own, struct vfa_error *err)
{
    *ret_own = sqlite3_get_autocommit(state->db);
    return *ret_own ? vfa_state_begin(state, err) : 0;
}

int vfa_state_finish(struct vfa_state *state, bool own, int result, struct vfa_error *err)
{
    if (!own)
        return result;
    if (result == 0)
        result = vfa_state_commit(state, err);
    if (result != 0)
        vfa_state_rollback(state);
    return result;
}

int vfa_state_savepoint(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_exec(state, "SAVEPOINT trial", err);
}

int vfa_state_rollback_to_savepoint(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_exec(state, "ROLLBACK TO trial; RELEASE trial", err);
}
