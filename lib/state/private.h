/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the state's own files share: the handle, and statements with bound values. Not for others.
 */
#ifndef VFA_STATE_PRIVATE_H
#define VFA_STATE_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "claims.h"
#include "quarantine.h"
#include "state.h"

#include <errno.h>
#include <sqlite3.h>

struct vfa_state {
    sqlite3 *db;
    char *path;
    bool damaged;  /* SQLite said so: vfa_state_close() sets the file aside */
    bool may_mend; /* unless it was opened for reading only */
    bool has_temp; /* tables that this handle alone sees */
};

/* The path of a database in memory. */
#define VFA_STATE_IN_MEMORY ":memory:"

/* ---- a connection ---- */

/* Opens state->path. On error, too, the caller closes state->db. */
int vfa_state_connect(struct vfa_state *state, enum vfa_state_mode mode, struct vfa_error *err);

/* Gives an open one this thread's patience: see vfa_state_set_patience(). */
void vfa_state_be_patient(struct vfa_state *state);

/* See vfa_state_leave_damaged(). */
bool vfa_state_leaves_damaged(void);

/* Closes it for good; sets a damaged file aside. */
void vfa_state_discard(struct vfa_state *state);

/* ---- handles that are kept open ---- */

/* One that is kept, or NULL. */
struct vfa_state *vfa_kept_take(const char *path, bool may_mend);

/* True: it is kept. False: the caller still owns it. */
bool vfa_kept_put(struct vfa_state *state);

/* ---- statements ---- */

static inline void vfa_sql_finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

/* Prepares `sql` and binds one value per letter of `types`: 's' const char * (NULL allowed),
 * 'i' int64_t. NULL with *err filled on failure. */
sqlite3_stmt *vfa_sql_prepare(struct vfa_state *state, struct vfa_error *err, const char *sql,
                              const char *types, ...);

/* What to return when vfa_sql_prepare() gave NULL. */
static inline int vfa_sql_failed(const struct vfa_error *err)
{
    return err && err->code ? -err->code : -EIO;
}

/* 1: a row; 0: done; negative: error (*err filled). -EEXIST: a key or a trigger of the schema
 * forbids the row; -EINVAL: a value that no row may have (CHECK, NOT NULL). */
int vfa_sql_step(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err);

/* After -EEXIST of an INSERT into claim: another claim has the device, its family, its IOMMU group
 * or the request. Else another rule was broken. */
bool vfa_sql_is_taken(const struct vfa_state *state);

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

/* ---- claims ---- */

/* For SELECT ... FROM claim, as vfa_sql_claims() reads them; and the condition that a domain holds
 * the claim, as the indexes of schema.sql have it. */
#define VFA_CLAIM_COLUMNS                                                                          \
    "device, parent, kind, uuid, domain, request, alias, why, cleaner, error, state, since,"       \
    " state_since, attempts, iommu_group, placeholder"
#define VFA_CLAIM_HELD "state NOT IN ('releasing', 'cleaning')"

/* All rows; finalizes; NULL passes an error on. */
int vfa_sql_claims(struct vfa_state *state, sqlite3_stmt *query, struct vfa_claims *ret,
                   struct vfa_error *err);

/* ---- what the state says of itself ---- */

/* *ret is the caller's; NULL where the key is not there. */
int vfa_meta_get(struct vfa_state *state, const char *key, char **ret, struct vfa_error *err);
int vfa_meta_set(struct vfa_state *state, const char *key, const char *value,
                 struct vfa_error *err);

/* ---- quarantine ---- */

/* All rows of device, reason, since and cause (NULL: VFA_QUARANTINE_OTHER); finalizes; NULL passes
 * an error on. */
int vfa_sql_quarantined(struct vfa_state *state, sqlite3_stmt *query, struct vfa_quarantine *ret,
                        struct vfa_error *err);

/* ---- the schema ---- */

/* That of lib/state/schema.sql. */
#define VFA_SCHEMA_VERSION 3

/* The version of a file, 0 if it is new. One that is newer than this program is refused. */
int vfa_state_schema_version(struct vfa_state *state, uint32_t *ret, struct vfa_error *err);

/* In a transaction: gives a new file the schema, and one of an older version the present one. */
int vfa_state_make_schema(struct vfa_state *state, struct vfa_error *err);

#endif
