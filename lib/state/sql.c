/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See private.h: statements of SQLite, and errors of SQLite as errno codes. */

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* EEXIST: another row or a trigger forbids the row. EINVAL: no row may have the value. */
static int errno_of_constraint(int sqlite_code)
{
    switch (sqlite_code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_TRIGGER:
        return EEXIST;
    default:
        return EINVAL;
    }
}

static int errno_of(int sqlite_code)
{
    if (sqlite_code == SQLITE_CANTOPEN_SYMLINK)
        return ELOOP;
    switch (sqlite_code & 0xff) {
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return EBUSY;
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return EACCES;
    case SQLITE_CONSTRAINT:
        return errno_of_constraint(sqlite_code);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return EUCLEAN;
    default:
        return EIO;
    }
}

/* SQLite reports only SQLITE_CANTOPEN if permission is missing. */
static bool is_forbidden(const struct vfa_state *state, int sqlite_code)
{
    return (sqlite_code & 0xff) == SQLITE_CANTOPEN && sqlite_code != SQLITE_CANTOPEN_SYMLINK &&
           faccessat(AT_FDCWD, state->path, R_OK, AT_EACCESS) < 0 && errno == EACCES;
}

/* The texts of SQLite for these two codes do not name the cause. */
static const char *reason_of(const struct vfa_state *state, int sqlite_code)
{
    if (sqlite_code == SQLITE_READONLY_ROLLBACK)
        return "a program was killed while it changed the file: run this command as root to repair it";
    if (sqlite_code == SQLITE_CANTOPEN_SYMLINK)
        return "it is a symbolic link";
    return sqlite3_errmsg(state->db);
}

int vfa_sql_fail_replaced(const struct vfa_state *state, struct vfa_error *err)
{
    return vfa_fail(err, ESTALE, "cannot use state file '%s': it was replaced meanwhile: try again",
                    state->path);
}

int vfa_sql_fail(struct vfa_state *state, struct vfa_error *err)
{
    int sqlite_code = sqlite3_extended_errcode(state->db);
    int code = errno_of(sqlite_code);

    if (is_forbidden(state, sqlite_code))
        return vfa_fail(err, EACCES,
                        "cannot use state file '%s': permission denied: run this command as root",
                        state->path);
    if (sqlite_code == SQLITE_READONLY_DBMOVED)
        return vfa_sql_fail_replaced(state, err);
    if (code == EUCLEAN)
        state->damaged = true;
    return vfa_fail(err, code, "cannot use state file '%s': %s", state->path,
                    reason_of(state, sqlite_code));
}

int vfa_sql_exec(struct vfa_state *state, const char *sql, struct vfa_error *err)
{
    return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                       : vfa_sql_fail(state, err);
}

bool vfa_sql_is_taken(const struct vfa_state *state)
{
    const char *text = sqlite3_errmsg(state->db);

    switch (sqlite3_extended_errcode(state->db)) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
        return true;
    case SQLITE_CONSTRAINT_TRIGGER:
        return strcmp(text, "conflict") == 0;
    default:
        return false;
    }
}

static int bind_values(sqlite3_stmt *stmt, const char *types, va_list args)
{
    int r = SQLITE_OK;

    if (strlen(types) != 0 && (int)strlen(types) != sqlite3_bind_parameter_count(stmt))
        return SQLITE_MISUSE;
    for (int i = 0; types[i] && r == SQLITE_OK; i++) {
        if (types[i] == 's')
            r = sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        else
            r = sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
    }
    return r;
}

/* An identity has no character that JSON escapes (device/device.h). */
const char *vfa_sql_keys(const struct vfa_keys *keys, char *buf)
{
    char *end = buf;

    *end++ = '{';
    for (size_t i = 0; i < keys->n; i++)
        end +=
            sprintf(end, "%s\"%s\":\"%c\"", i ? "," : "", keys->items[i].text, keys->items[i].mode);
    *end++ = '}';
    *end = '\0';
    return buf;
}

sqlite3_stmt *vfa_sql_prepare(struct vfa_state *state, struct vfa_error *err, const char *sql,
                              const char *types, ...)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = NULL;
    va_list args;
    int r;

    if (sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        vfa_sql_fail(state, err);
        return NULL;
    }
    va_start(args, types);
    r = bind_values(stmt, types, args);
    va_end(args);
    if (r != SQLITE_OK) {
        vfa_fail(err, r == SQLITE_NOMEM ? ENOMEM : EINVAL, "cannot use state file '%s': %s",
                 state->path, sqlite3_errstr(r));
        return NULL;
    }
    return vfa_steal(&stmt);
}

int vfa_sql_step(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err)
{
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return vfa_sql_fail(state, err);
    }
}

int vfa_sql_finish(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *owned = stmt;
    int r;

    if (!owned)
        return vfa_sql_failed(err);
    do {
        r = vfa_sql_step(state, owned, err);
    } while (r > 0);
    return r;
}

int vfa_sql_text(sqlite3_stmt *stmt, int column, char **ret, struct vfa_error *err)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);

    *ret = NULL;
    if (!text && sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return 0;
    if (!text || asprintf(ret, "%s", (const char *)text) < 0) {
        *ret = NULL;
        return vfa_fail_oom(err);
    }
    return 0;
}

int vfa_sql_exists(struct vfa_state *state, sqlite3_stmt *stmt, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *owned = stmt;
    int r = owned ? vfa_sql_step(state, owned, err) : vfa_sql_failed(err);

    if (r < 0)
        return r;
    *ret = r > 0;
    return 0;
}

int vfa_sql_number(struct vfa_state *state, sqlite3_stmt *query, int64_t *ret,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = query;
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r < 0)
        return r;
    *ret = r > 0 ? sqlite3_column_int64(stmt, 0) : 0; /* 0 for NULL */
    return 0;
}

int vfa_sql_each(struct vfa_state *state, sqlite3_stmt *query,
                 void (*visit)(void *data, const char *text), void *data, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = query;
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0)
        visit(data, (const char *)sqlite3_column_text(stmt, 0));
    return r;
}
