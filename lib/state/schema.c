/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The schema of a state file, and the upgrade of a file of an older version while domains run. The
 * upgrade creates the tables from schema.sql and copies the rows of the old tables, so that the
 * upgraded file has the same schema as a new file. A schema change that adds tables, columns with a
 * default, indexes or triggers needs nothing else. A change of the meaning of existing values needs
 * a statement in adapt_rows().
 *
 * Invariants: the upgrade runs in the transaction of the caller, so a process that is killed leaves
 * the file of the older version. The index is not used across versions: its next use rebuilds it.
 */

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <stdarg.h>
#include <string.h>

#define OLD "old_" /* prefix of the old tables during the upgrade; no table of ours has it */

static const char schema[] =
#include "state/schema.inc"
    ;

int vfa_state_schema_version(struct vfa_state *state, uint32_t *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err, "PRAGMA user_version", "");
    int r = stmt ? vfa_sql_step(state, stmt, err) : vfa_sql_failed(err);
    int64_t version;

    if (r < 0)
        return r;
    version = sqlite3_column_int64(stmt, 0);
    if (r == 0 || version < 0)
        return vfa_fail(err, EUCLEAN, "cannot use state file '%s': no schema version", state->path);
    if (version > VFA_SCHEMA_VERSION)
        return vfa_fail(
            err, EPROTO,
            "cannot use state file '%s': its version %u is newer than this program's %d",
            state->path, (unsigned)version, VFA_SCHEMA_VERSION);
    *ret = (uint32_t)version;
    return 0;
}

/* ---- statements made from names in the schema ---- */

static VFA_PRINTF(3, 4) int exec_format(struct vfa_state *state, struct vfa_error *err,
                                        const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *sql = NULL;
    va_list args;
    int r;

    va_start(args, fmt);
    r = vasprintf(&sql, fmt, args);
    va_end(args);
    if (r < 0) {
        sql = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_sql_exec(state, sql, err);
}

/* Reads the single text of a query that uses group_concat(); the query never returns NULL. Some of
 * these texts are SQL statements. */
static int collect_text(struct vfa_state *state, const char *sql, const char *value, char **ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err, sql, value ? "s" : "", value);
    int r = stmt ? vfa_sql_step(state, stmt, err) : vfa_sql_failed(err);

    if (r < 0)
        return r;
    return vfa_sql_text(stmt, 0, ret, err);
}

static int collect_and_exec(struct vfa_state *state, const char *sql, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *statements = NULL;
    int r = collect_text(state, sql, NULL, &statements, err);

    return r == 0 ? vfa_sql_exec(state, statements, err) : r;
}

/* ---- the steps ---- */

/* Drops the views as well: they refer to tables. */
static int drop_triggers(struct vfa_state *state, struct vfa_error *err)
{
    return collect_and_exec(state,
                            "SELECT coalesce(group_concat('DROP ' || type || ' ' || name, ';'), '')"
                            " FROM sqlite_master WHERE type IN ('trigger', 'view')",
                            err);
}

/* Renames the old tables and drops their indexes: the names of indexes would collide with those of
 * the new tables. */
static int move_tables(struct vfa_state *state, struct vfa_error *err)
{
    int r = collect_and_exec(state,
                             "SELECT coalesce(group_concat('DROP INDEX ' || name, ';'), '')"
                             " FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
                             err);

    if (r < 0)
        return r;
    return collect_and_exec(
        state,
        "SELECT coalesce(group_concat('ALTER TABLE ' || name || ' RENAME TO " OLD "' || name,"
        " ';'), '') FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        err);
}

/* Copies the rows of one table, in the columns that both versions have. */
static int copy_table(struct vfa_state *state, const char *name, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *columns = NULL;
    int r = collect_text(state,
                         "SELECT coalesce(group_concat(name), '') FROM pragma_table_info(?1)"
                         " WHERE name IN (SELECT name FROM pragma_table_info('" OLD "' || ?1))",
                         name, &columns, err);

    if (r < 0 || !*columns) /* empty: the table is new */
        return r;
    return exec_format(state, err, "INSERT OR REPLACE INTO %s (%s) SELECT %s FROM " OLD "%s", name,
                       columns, columns, name);
}

/* Leaves out the index: its next use makes it anew. */
static int copy_tables(struct vfa_state *state, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *names = NULL;
    char *rest, *name;
    int r = collect_text(
        state,
        "SELECT coalesce(group_concat(name), '') FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '" OLD "%'"
        " AND name NOT IN ('device', 'device_key', 'pool', 'member', 'stock')",
        NULL, &names, err);

    for (rest = names; r == 0 && (name = strsep(&rest, ","));)
        r = copy_table(state, name, err);
    return r;
}

/* An id of AUTOINCREMENT is never used again, also if the old table had no rows any more. */
static int copy_sequences(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_exec(state,
                        "DELETE FROM sqlite_sequence"
                        " WHERE '" OLD "' || name IN (SELECT name FROM sqlite_sequence);"
                        "INSERT INTO sqlite_sequence (name, seq)"
                        " SELECT substr(name, length('" OLD "') + 1), seq FROM sqlite_sequence"
                        " WHERE name LIKE '" OLD "%'",
                        err);
}

static int drop_old_tables(struct vfa_state *state, struct vfa_error *err)
{
    return collect_and_exec(state,
                            "SELECT coalesce(group_concat('DROP TABLE ' || name, ';'), '')"
                            " FROM sqlite_master WHERE type = 'table' AND name LIKE '" OLD "%'",
                            err);
}

/* Statements that make the keys of a table of version 1 to 3, which had parent and iommu_group. */
#define MAKE_KEYS(table)                                                                           \
    "UPDATE " table " AS t SET keys = (SELECT json_patch(json_object(o.device, 'X',"               \
    " 'family ' || coalesce(o.parent, o.device), iif(o.parent IS NULL, 'X', 'S')),"                \
    " iif(o.iommu_group < 0, '{}', json_object('iommu ' || o.iommu_group, 'G')))"                  \
    " FROM " OLD table " o WHERE o.device = t.device);"
#define HOLD_KEYS(table, tentative, owner, ended)                                                  \
    "INSERT INTO conflict_key SELECT k.key, " tentative ", k.value, " owner ", t.uuid, " ended     \
    " FROM " table " t CROSS JOIN json_each(t.keys) k;"

/* Corrects copied rows of an older version. */
static int adapt_rows(struct vfa_state *state, uint32_t version, struct vfa_error *err)
{
    int r = vfa_sql_exec(state, "UPDATE claim SET state_since = since WHERE state_since = 0", err);

    if (r == 0 && version < 4)
        r = vfa_sql_exec(state,
                         MAKE_KEYS("claim") HOLD_KEYS("claim", "0", "t.device",
                                                      "t.state IN ('releasing', 'cleaning')"),
                         err);
    if (r == 0 && version > 1 && version < 4) /* version 1 had no tentative rows */
        r = vfa_sql_exec(state,
                         MAKE_KEYS("tentative")
                             HOLD_KEYS("tentative", "1", "t.uuid || ' ' || t.request", "0"),
                         err);
    return r;
}

/* Triggers are dropped while rows are copied: they have already run for these rows. */
static int upgrade_schema(struct vfa_state *state, uint32_t version, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *triggers = NULL;
    int r = drop_triggers(state, err);

    if (r == 0)
        r = move_tables(state, err);
    if (r == 0)
        r = vfa_sql_exec(state, schema, err);
    if (r == 0)
        r = collect_text(state,
                         "SELECT coalesce(group_concat(sql, ';'), '') FROM sqlite_master"
                         " WHERE type IN ('trigger', 'view')",
                         NULL, &triggers, err);
    if (r == 0)
        r = drop_triggers(state, err);
    if (r == 0)
        r = copy_tables(state, err);
    if (r == 0)
        r = copy_sequences(state, err);
    if (r == 0)
        r = adapt_rows(state, version, err);
    if (r == 0)
        r = drop_old_tables(state, err);
    if (r == 0)
        r = vfa_sql_exec(state, triggers, err);
    return r == 0 ? vfa_sql_exec(state, "DELETE FROM meta WHERE key = 'index'", err) : r;
}

int vfa_state_make_schema(struct vfa_state *state, struct vfa_error *err)
{
    uint32_t version;
    int r = vfa_state_schema_version(state, &version, err);

    if (r < 0 || version == VFA_SCHEMA_VERSION)
        return r;
    r = version == 0 ? vfa_sql_exec(state, schema, err) : upgrade_schema(state, version, err);
    if (r < 0)
        return r;
    return exec_format(state, err, "PRAGMA user_version = %d", VFA_SCHEMA_VERSION);
}
