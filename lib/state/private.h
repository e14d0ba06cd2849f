/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to lib/state: the handle, and statements with bound values. Results and errors: see
 * state.h. */
#ifndef VFA_STATE_PRIVATE_H
#define VFA_STATE_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "device/keys.h"
#include "claims.h"
#include "quarantine.h"
#include "state.h"

#include <errno.h>
#include <sqlite3.h>

struct vfa_state {
    sqlite3 *db;
    char *path;
    bool damaged;  /* SQLite found damage: vfa_state_close() sets the file aside */
    bool may_mend; /* opened for writing: may set the file aside */
    bool has_temp; /* has temporary tables: is not kept open */
};

/* The path of a database in memory. */
#define VFA_STATE_IN_MEMORY ":memory:"

/* ---- a connection ---- */

/* Opens state->path. The caller closes state->db, also after an error. */
int vfa_state_connect(struct vfa_state *state, enum vfa_state_mode mode, struct vfa_error *err);

/* Applies the patience of this thread to an open handle: see vfa_state_set_patience(). */
void vfa_state_be_patient(struct vfa_state *state);

/* True after vfa_state_leave_damaged(). */
bool vfa_state_leaves_damaged(void);

/* Closes and frees the handle; takes NULL. Sets a damaged file aside, if the handle may. */
void vfa_state_discard(struct vfa_state *state);

/* ---- handles that are kept open ---- */

/* Takes a kept handle of this path and kind out of the list, or returns NULL. The caller owns the
 * handle, and must check that the file is still the state. */
struct vfa_state *vfa_kept_take(const char *path, bool may_mend);

/* Keeps a handle open; rolls its transaction back. False: it is not kept, the caller still owns
 * it. */
bool vfa_kept_put(struct vfa_state *state);

/* ---- statements ---- */

static inline void vfa_sql_finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

/* Prepares `sql` and binds one value per letter of `types`: 's' const char * (NULL allowed),
 * 'i' int64_t. Returns NULL with *err filled on failure. The functions below that take such a
 * statement finalize it, but for vfa_sql_step() and vfa_sql_text(); they take NULL and then return
 * vfa_sql_failed(). */
sqlite3_stmt *vfa_sql_prepare(struct vfa_state *state, struct vfa_error *err, const char *sql,
                              const char *types, ...);

/* The result to return if vfa_sql_prepare() returned NULL. */
static inline int vfa_sql_failed(const struct vfa_error *err)
{
    return err && err->code ? -err->code : -EIO;
}

/* Steps a statement. Returns 1 for a row, 0 at the end, or a negative errno. -EEXIST: a key or a
 * trigger of the schema forbids the row; -EINVAL: the schema does not allow the value (CHECK, NOT
 * NULL). */
int vfa_sql_step(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err);

/* After -EEXIST of an INSERT into claim: true if another claim conflicts with it or is of the same
 * request; false if another rule was broken. */
bool vfa_sql_is_taken(const struct vfa_state *state);

/* Runs a statement to its end and ignores its rows. */
int vfa_sql_finish(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err);

/* True in *ret if a query returns a row. */
int vfa_sql_exists(struct vfa_state *state, sqlite3_stmt *stmt, bool *ret, struct vfa_error *err);

/* Reads the number in the first column of the first row; 0 if there is no row or it is NULL. */
int vfa_sql_number(struct vfa_state *state, sqlite3_stmt *stmt, int64_t *ret,
                   struct vfa_error *err);

/* Calls visit() with the text in the first column of each row. The text is borrowed. */
int vfa_sql_each(struct vfa_state *state, sqlite3_stmt *stmt,
                 void (*visit)(void *data, const char *text), void *data, struct vfa_error *err);

/* Copies a text column of the present row to *ret, NULL for NULL. The caller frees it with
 * free(). */
int vfa_sql_text(sqlite3_stmt *stmt, int column, char **ret, struct vfa_error *err);

/* Runs statements without values to bind and ignores their rows. */
int vfa_sql_exec(struct vfa_state *state, const char *sql, struct vfa_error *err);

/* Fills *err from the last failure of SQLite, and returns the negative errno. Marks the handle as
 * damaged if SQLite found damage (https://sqlite.org/rescode.html). */
int vfa_sql_fail(struct vfa_state *state, struct vfa_error *err);
/* Fills *err and returns -ESTALE: the open file was replaced or removed. */
int vfa_sql_fail_replaced(const struct vfa_state *state, struct vfa_error *err);

/* ---- claims ---- */

/* The columns of SELECT ... FROM claim for vfa_sql_claims(), and the condition that a domain holds
 * the claim. The condition is spelled as in the indexes of schema.sql, so that SQLite can use them
 * (https://sqlite.org/partialindex.html). */
#define VFA_CLAIM_COLUMNS                                                                          \
    "claim.device, kind, maker, claim.uuid, domain, request, alias, why, cleaner, error, state,"   \
    " since, state_since, attempts, placeholder"
#define VFA_CLAIM_HELD "state NOT IN ('releasing', 'cleaning')"

/* Reads the present row, which begins with VFA_CLAIM_COLUMNS. Clear *ret with vfa_claim_clear(). */
int vfa_sql_claim(sqlite3_stmt *stmt, struct vfa_claim *ret, struct vfa_error *err);

/* Writes keys as in the columns `keys`, a JSON object, to buf, which has VFA_KEYS_JSON_SIZE bytes.
 * Returns buf. */
#define VFA_KEYS_JSON_SIZE (VFA_KEYS_MAX * (sizeof(struct vfa_key) + sizeof("\"\":\"X\",")) + 3)
const char *vfa_sql_keys(const struct vfa_keys *keys, char *buf);

/* Reads all rows of VFA_CLAIM_COLUMNS. Clear *ret with vfa_claims_clear(). */
int vfa_sql_claims(struct vfa_state *state, sqlite3_stmt *query, struct vfa_claims *ret,
                   struct vfa_error *err);

/* ---- the table meta: one text for each key ---- */

/* Reads the value of a key; *ret is NULL if there is no such key. The caller frees it with
 * free(). */
int vfa_meta_get(struct vfa_state *state, const char *key, char **ret, struct vfa_error *err);
/* Sets the value of a key. `value` must not be NULL. */
int vfa_meta_set(struct vfa_state *state, const char *key, const char *value,
                 struct vfa_error *err);

/* ---- quarantine ---- */

/* Reads all rows of the columns device, reason, since, cause (NULL: VFA_QUARANTINE_OTHER). Clear
 * *ret with vfa_quarantine_clear(). */
int vfa_sql_quarantined(struct vfa_state *state, sqlite3_stmt *query, struct vfa_quarantine *ret,
                        struct vfa_error *err);

/* ---- the schema ---- */

/* The version of schema.sql. */
#define VFA_SCHEMA_VERSION 4

/* Reads the version of the file; 0 for a new file. -EPROTO: newer than this program supports. */
int vfa_state_schema_version(struct vfa_state *state, uint32_t *ret, struct vfa_error *err);

/* Inside a transaction: creates the tables of a new file, and upgrades a file of an older
 * version. */
int vfa_state_make_schema(struct vfa_state *state, struct vfa_error *err);

#endif
