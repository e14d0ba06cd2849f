/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the index of the state file. The rows are made in temporary tables, without a lock. One
 * transaction then copies them over the old rows and does nothing else: a domain that starts
 * meanwhile must not wait for the work on 100,000 devices.
 *
 * The temporary tables have the columns and indexes of the tables in the file, made from the text
 * of their schema in the file: then SQLite copies whole records
 * (https://sqlite.org/lang_insert.html, "xfer optimization" in its source). Triggers are off during
 * the copy. Afterwards this file counts what the triggers would have counted, only for the devices
 * that claims and tentative rows affect.
 */

#include "index-build.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "config/config.h"
#include "meta.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <string.h>

struct filler {
    struct vfa_state *state;
    const struct vfa_config *config;
    sqlite3_stmt *add_device;
    sqlite3_stmt *add_key;
    sqlite3_stmt *add_pool;
    sqlite3_stmt *add_member;
    const struct vfa_index_checks *checks; /* NULL: the devices were not checked */
};

static void filler_clear(struct filler *f)
{
    sqlite3_finalize(f->add_device);
    sqlite3_finalize(f->add_key);
    sqlite3_finalize(f->add_pool);
    sqlite3_finalize(f->add_member);
}

struct indexed {
    const struct vfa_device *dev;
    const struct vfa_spec *spec;
    int64_t slots;       /* device.slots in schema.sql */
    int number;          /* index of `spec` in the configuration, -1: none */
    size_t in_inventory; /* index of `dev` in the inventory */
};

/* ---- rows in temporary tables ---- */

/* Runs a prepared INSERT with its bound values and resets it. */
static int run_insert(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err)
{
    int r = vfa_sql_step(state, stmt, err);

    sqlite3_reset(stmt);
    return r;
}

/* Binds the result of the health check (struct vfa_index_checks); NULL if it is not known. */
static void bind_healthy(const struct filler *f, sqlite3_stmt *stmt, int parameter,
                         const struct vfa_alias *alias, const struct indexed *device)
{
    const struct vfa_index_checks *checks = f->checks;
    int healthy = -1;

    if (checks)
        healthy =
            checks->healthy(checks->data, device->in_inventory, device->dev, device->spec, alias);
    if (healthy < 0)
        sqlite3_bind_null(stmt, parameter);
    else
        sqlite3_bind_int(stmt, parameter, healthy);
}

static int insert_device(struct filler *f, const struct indexed *device, struct vfa_error *err)
{
    char parent[VFA_DEVICE_ID_SIZE];
    const struct vfa_device *dev = device->dev;
    const int64_t numbers[] = {dev->type,      dev->vendor,      dev->product,   dev->class,
                               dev->numa_node, dev->iommu_group, device->number, device->slots};
    sqlite3_stmt *stmt = f->add_device;

    sqlite3_bind_text(stmt, 1, dev->id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 2, vfa_device_pf(dev, parent), -1, SQLITE_TRANSIENT);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sqlite3_bind_int64(stmt, (int)i + 3, numbers[i]);
    bind_healthy(f, stmt, (int)ARRAY_SIZE(numbers) + 3, NULL, device);
    return run_insert(f->state, stmt, err);
}

static int insert_keys(struct filler *f, const struct vfa_device *dev, struct vfa_error *err)
{
    struct vfa_keys keys;
    int r = 0;

    vfa_keys_of_device(dev, &keys);
    for (size_t i = 0; r == 0 && i < keys.n; i++) {
        sqlite3_bind_text(f->add_key, 1, keys.items[i].text, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(f->add_key, 2, &keys.items[i].mode, 1, SQLITE_TRANSIENT);
        sqlite3_bind_text(f->add_key, 3, dev->id, -1, SQLITE_TRANSIENT);
        r = run_insert(f->state, f->add_key, err);
    }
    return r;
}

/* Binds the key of the pool to parameters 1 to 4, the device to 5. */
static void bind_pool(sqlite3_stmt *stmt, const struct vfa_alias *alias,
                      const struct indexed *device)
{
    const struct vfa_device *dev = device->dev;
    char parent[VFA_DEVICE_ID_SIZE] = "";

    (void)vfa_device_pf(dev, parent);
    sqlite3_bind_text(stmt, 1, alias->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(stmt, 2, device->number);
    sqlite3_bind_int(stmt, 3, dev->numa_node);
    sqlite3_bind_text(stmt, 4, parent, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 5, dev->id, -1, SQLITE_TRANSIENT);
}

static int insert_member(struct filler *f, const struct vfa_alias *alias,
                         const struct indexed *device, struct vfa_error *err)
{
    int r;

    bind_pool(f->add_pool, alias, device);
    r = run_insert(f->state, f->add_pool, err);
    if (r < 0)
        return r;
    bind_pool(f->add_member, alias, device);
    bind_healthy(f, f->add_member, 6, alias, device);
    sqlite3_bind_int64(f->add_member, 7, device->slots);
    return run_insert(f->state, f->add_member, err);
}

static int index_device(struct filler *f, const struct vfa_inventory *inv, size_t number,
                        struct vfa_error *err)
{
    const struct vfa_device *dev = &inv->devices[number];
    struct indexed device = {
        .dev = dev, .spec = vfa_config_spec_for(f->config, inv, dev), .in_inventory = number};
    int r;

    if (!vfa_config_claimable(f->config, inv, dev))
        return 0;
    device.slots = vfa_spec_slots(device.spec, dev);
    device.number = device.spec ? (int)(device.spec - f->config->specs) : -1;
    r = insert_device(f, &device, err);
    if (r == 0)
        r = insert_keys(f, dev, err);
    for (size_t i = 0; r == 0 && i < f->config->n_aliases; i++) {
        const struct vfa_alias *alias = &f->config->aliases[i];

        if (vfa_alias_selects(alias, dev, device.spec))
            r = insert_member(f, alias, &device, err);
    }
    return r;
}

/* The inventory is sorted, so the first device of a pool has the lowest identity. */
static int insert_rows(struct vfa_state *state, const struct vfa_config *config,
                       const struct vfa_inventory *inv, const struct vfa_index_checks *checks,
                       struct vfa_error *err)
{
    VFA_AUTO(filler_clear) struct filler f = {.state = state, .config = config, .checks = checks};
    int r = 0;

    f.add_device = vfa_sql_prepare(
        state, err, "INSERT INTO temp.new_device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "");
    if (f.add_device)
        f.add_key =
            vfa_sql_prepare(state, err, "INSERT INTO temp.new_device_key VALUES (?, ?, ?)", "");
    if (f.add_key)
        f.add_pool = vfa_sql_prepare(
            state, err,
            "INSERT OR IGNORE INTO temp.new_pool (alias, spec, numa_node, parent, first)"
            " VALUES (?, ?, ?, ?, ?)",
            "");
    if (f.add_pool)
        f.add_member =
            vfa_sql_prepare(state, err,
                            "INSERT INTO temp.new_member (pool, device, healthy, slots)"
                            " SELECT id, ?5, ?6, ?7 FROM temp.new_pool WHERE"
                            " alias = ?1 AND spec = ?2 AND numa_node = ?3 AND parent = ?4",
                            "");
    if (!f.add_member)
        return vfa_sql_failed(err);
    for (size_t i = 0; r == 0 && i < inv->n; i++)
        r = index_device(&f, inv, i, err);
    return r;
}

/* Devices that nobody has on record but that take slots of their makers: those that others made,
 * and those of vfalias that could not be destroyed. Read here, not in the transaction below. */
static int read_unclaimed(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_exec(
        state,
        "DROP TABLE IF EXISTS temp.claimed; DROP TABLE IF EXISTS temp.left_over;"
        "CREATE TEMP TABLE claimed AS SELECT device FROM main.claim;"
        "CREATE TEMP TABLE left_over AS SELECT device, recipe || ' ' AS recipe FROM main.saved"
        " WHERE recipe IS NOT NULL AND device NOT IN (SELECT device FROM main.claim)",
        err);
}

/* A slot that such a device takes is none. A maker without known limit has always one more. The
 * keys of devices that a maker has made name it; those of a function do not count: its type is at
 * most that of a VF. */
static int take_slots(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_exec(
        state,
        "CREATE INDEX temp.is_claimed ON claimed (device);"
        "WITH other (maker, device) AS"
        " (SELECT k.key, k.device FROM temp.new_device_key k"
        "  JOIN temp.new_device m ON m.id = k.key WHERE k.mode = 'S' AND m.type > 2"
        "  AND k.device NOT IN (SELECT device FROM temp.claimed)"
        "  UNION SELECT m.id, l.device FROM temp.left_over l"
        "  JOIN temp.new_device m ON instr(l.recipe, 'maker=' || m.id || ' ') = 1),"
        " taken (maker, n) AS (SELECT maker, count(*) FROM other GROUP BY maker)"
        "UPDATE temp.new_device SET slots = max(slots - (SELECT n FROM taken WHERE maker = id), 0)"
        " WHERE slots < 1000000 AND id IN (SELECT maker FROM taken);"
        "UPDATE temp.new_member SET slots = (SELECT d.slots FROM temp.new_device d WHERE d.id = device)"
        " WHERE device IN (SELECT id FROM temp.new_device WHERE type > 2)",
        err);
}

/* Makes empty tables new_NAME, as the tables NAME of the file. */
static int make_tables(struct vfa_state *state, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = NULL;
    int r = vfa_sql_exec(state,
                         "DROP TABLE IF EXISTS temp.new_device; DROP TABLE IF EXISTS temp.new_pool;"
                         "DROP TABLE IF EXISTS temp.new_member; DROP TABLE IF EXISTS temp.affected;"
                         "DROP TABLE IF EXISTS temp.new_stock;"
                         "DROP TABLE IF EXISTS temp.new_device_key;"
                         "CREATE TEMP TABLE affected (device TEXT PRIMARY KEY, busy INTEGER,"
                         " kept INTEGER) WITHOUT ROWID",
                         err);

    state->has_temp = true;
    if (r < 0)
        return r;
    stmt = vfa_sql_prepare(
        state, err,
        "SELECT group_concat(iif(type = 'table', 'CREATE TABLE temp.new_' || text,"
        " 'CREATE INDEX temp.new_' || replace(text, ' ON ', ' ON new_')), ';') FROM"
        " (SELECT type, substr(sql, length('CREATE TABLE ') + 1) AS text FROM main.sqlite_master"
        "  WHERE tbl_name IN ('device', 'device_key', 'pool', 'member', 'stock')"
        "  AND type IN ('table', 'index')"
        "  AND sql IS NOT NULL ORDER BY rowid)",
        "");
    r = stmt ? vfa_sql_step(state, stmt, err) : vfa_sql_failed(err);
    return r < 0 ? r : vfa_sql_exec(state, (const char *)sqlite3_column_text(stmt, 0), err);
}

static int make_index_rows(struct vfa_state *state, const struct vfa_config *config,
                           const struct vfa_inventory *inv, const struct vfa_index_checks *checks,
                           struct vfa_error *err)
{
    int r = insert_rows(state, config, inv, checks, err);

    if (r == 0)
        r = take_slots(state, err);
    if (r < 0)
        return r;
    r = vfa_sql_exec(
        state,
        "UPDATE temp.new_pool SET (free, healthy) ="
        " (SELECT total(slots), total(healthy * slots) FROM temp.new_member WHERE pool = id)",
        err);
    if (r < 0 || !checks)
        return r;
    return vfa_sql_exec(state,
                        "INSERT INTO temp.new_stock SELECT vendor, product, numa_node, type, spec,"
                        " min(id), total(healthy * slots), total((healthy IS NULL) * slots)"
                        " FROM temp.new_device"
                        " GROUP BY 1, 2, 3, 4, 5",
                        err);
}

int vfa_state_index_prepare(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, const struct vfa_index_checks *checks,
                            struct vfa_error *err)
{
    bool own = sqlite3_get_autocommit(state->db);
    int r = make_tables(state, err); /* not in the transaction below: it reads the file, and the
                                        read lock would keep other programs from committing */

    if (r == 0)
        r = read_unclaimed(state, err);
    if (r == 0 && own)
        r = vfa_sql_exec(state, "BEGIN", err); /* deferred, temporary tables: locks nothing */
    if (r == 0)
        r = make_index_rows(state, config, inv, checks, err);
    if (own && r == 0)
        r = vfa_sql_exec(state, "COMMIT", err);
    if (own && r < 0)
        vfa_state_rollback(state);
    return r;
}

/* ---- replacing the rows of the file ---- */

static const char *const put_in_place[] = {
    "DELETE FROM member",
    "DELETE FROM pool",
    "DELETE FROM device",
    "DELETE FROM device_key",
    "DELETE FROM stock",
    "INSERT INTO device SELECT * FROM temp.new_device",
    "INSERT INTO device_key SELECT * FROM temp.new_device_key",
    "INSERT INTO pool SELECT * FROM temp.new_pool",
    "INSERT INTO member SELECT * FROM temp.new_member",
    "INSERT INTO stock SELECT * FROM temp.new_stock",
    "DELETE FROM failed WHERE device NOT IN (SELECT id FROM device)",
};

/* The counts of the trigger conflict_key_new (schema.sql), for the devices that a claim or a
 * tentative row affects. */
static const char *const count[] = {
    "INSERT INTO temp.affected SELECT d.device,"
    " sum((k.tentative = 0) * iif(k.mode = 'X', 1000000, 1)), sum(k.tentative = 1)"
    " FROM conflict_key k CROSS JOIN device_key d ON d.key = k.key"
    " AND d.mode >= iif(k.mode = 'S', 'X', 'S') WHERE k.mode <> 'G' GROUP BY d.device",
    "UPDATE member AS m SET (busy, kept) ="
    " (SELECT busy, kept FROM temp.affected a WHERE a.device = m.device)"
    " WHERE device IN (SELECT device FROM temp.affected)",
    "UPDATE pool SET (free, used, kept) ="
    " (SELECT sum(max(slots - busy, 0)), sum(min(busy, slots)), sum(busy < slots AND kept > 0)"
    "  FROM member WHERE pool = id)"
    " WHERE id IN (SELECT m.pool FROM temp.affected a CROSS JOIN member m ON m.device = a.device)",
};

static int run_all(struct vfa_state *state, const char *const *statements, size_t n,
                   struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = vfa_sql_finish(state, vfa_sql_prepare(state, err, statements[i], ""), err);
    return r;
}

static int without_triggers(struct vfa_state *state, struct vfa_error *err)
{
    int r;

    sqlite3_db_config(state->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    r = run_all(state, put_in_place, ARRAY_SIZE(put_in_place), err);
    if (r == 0)
        r = run_all(state, count, ARRAY_SIZE(count), err);
    sqlite3_db_config(state->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    return r;
}

static int install_index(struct vfa_state *state, const struct vfa_config *config, int64_t scanned,
                         struct vfa_error *err)
{
    int r = without_triggers(state, err);

    if (r == 0)
        r = vfa_sql_finish(
            state,
            vfa_sql_prepare(state, err,
                            "INSERT OR REPLACE INTO meta VALUES ('index', ?), ('scanned', ?)", "si",
                            config->digest, scanned),
            err);
    return r < 0 ? r : vfa_state_count_up(state, VFA_COUNTER_SCANS, err);
}

int vfa_state_index_install(struct vfa_state *state, const struct vfa_config *config,
                            int64_t scanned, struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(state, &own, err);

    return r < 0 ? r
                 : vfa_state_finish(state, own, install_index(state, config, scanned, err), err);
}

int vfa_state_index_replace(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, struct vfa_error *err)
{
    int r = vfa_state_index_prepare(state, config, inv, NULL, err);

    return r < 0 ? r : vfa_state_index_install(state, config, inv->scanned, err);
}
