/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the state's own files share: the handle, and statements with bound values. Not for others.
 */
#ifndef VFA_STATE_PRIVATE_H
#define VFA_STATE_PRIVATE_H

#include "state.h"

#include <errno.h>
#include <sqlite3.h>

struct vfa_state {
    sqlite3 *db;
    char *path;
    bool damaged;   /* SQLite said so: vfa_state_close() sets the file aside */
    bool may_mend;  /* unless it was opened for reading only */
    bool half_done; /* SQLite said so to a reader: somebody was killed while writing */
};

static inline void vfa_sql_finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

/* Prepares `sql` and binds one value per letter of `types`: 's' const char * (NULL allowed),
 * 'i' int64_t. NULL with *err filled on failure. */
sqlite3_stmt *vfa_sql(struct vfa_state *state, struct vfa_error *err, const char *sql,
                      const char *types, ...);

/* What to return when vfa_sql() gave NULL. */
static inline int vfa_sql_failed(const struct vfa_error *err)
{
    return err && err->code ? -err->code : -EIO;
}

/* 1: a row; 0: done; -EEXIST: a constraint of the schema (*err filled); other negative: error. */
int vfa_sql_step(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err);

/* Steps a statement that gives no rows to its end and finalizes it; NULL passes an error on. */
int vfa_sql_finish(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err);

/* True in *ret if a query gives a row; finalizes it; NULL passes an error on. */
int vfa_sql_exists(struct vfa_state *state, sqlite3_stmt *stmt, bool *ret, struct vfa_error *err);

/* The number in the first column of the first row, 0 where there is none; finalizes; NULL passes an
 * error on. */
int vfa_sql_number(struct vfa_state *state, sqlite3_stmt *stmt, int64_t *ret,
                   struct vfa_error *err);

/* Calls visit() with the text in the first column of each row, borrowed; finalizes; NULL passes an
 * error on. */
int vfa_sql_each(struct vfa_state *state, sqlite3_stmt *stmt,
                 void (*visit)(void *data, const char *text), void *data, struct vfa_error *err);

/* A copy of a text column in *ret, NULL where it is NULL. */
int vfa_sql_text(sqlite3_stmt *stmt, int column, char **ret, struct vfa_error *err);

/* Runs statements that have no values to bind and give no rows. */
int vfa_sql_exec(struct vfa_state *state, const char *sql, struct vfa_error *err);

/* Wraps what SQLite says about the last failure. */
int vfa_sql_fail(struct vfa_state *state, struct vfa_error *err);
/* -ESTALE: the file that is open is the state no more. */
int vfa_sql_fail_replaced(const struct vfa_state *state, struct vfa_error *err);

/* ---- state-schema.c ---- */

/* That of lib/schema.sql. */
#define VFA_SCHEMA_VERSION 2

/* The version of a file, 0 if it is new. One that is newer than this program is refused. */
int vfa_state_schema_version(struct vfa_state *state, uint32_t *ret, struct vfa_error *err);

/* In a transaction: gives a new file the schema, and one of an older version the present one. */
int vfa_state_make_schema(struct vfa_state *state, struct vfa_error *err);

#endif
