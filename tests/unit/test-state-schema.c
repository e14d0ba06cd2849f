/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * State files of older versions, made from the released schemas (tests/data/state): a newer program
 * keeps their rows, and the upgraded file has the same schema as a new file.
 *
 * The kept text of a released schema also shows that schema.sql was changed without a new version.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "device/vf-settings.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/hold.h"
#include "state/meta.h"
#include "state/private.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/saved.h"
#include "state/state.h"
#include "state/tentative.h"
#include "state/withdrawn.h"
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define UUID "aaaaaaaa-0000-0000-0000-000000000000"

static char folder[64], path[96], run[96], fresh_path[96];

/* Rows that a program of any version may have written while a domain runs. */
static const char rows[] =
    "INSERT INTO meta VALUES ('synced', '1'), ('index', 'of older times');"
    "UPDATE meta SET value = '7' WHERE key = 'freed';"
    "INSERT INTO device (address, parent, type, vendor, product, class, numa_node, iommu_group)"
    " VALUES ('0000:01:10.0', '0000:01:00.0', 2, 1, 2, 3, -1, 4);"
    "INSERT INTO pool (id, alias, spec, numa_node, parent, first)"
    " VALUES (1, 'net', 0, -1, '0000:01:00.0', '0000:01:10.0');"
    "INSERT INTO member (pool, device) VALUES (1, '0000:01:10.0');"
    "INSERT INTO claim (device, parent, kind, uuid, domain, request, alias, state, since)"
    " VALUES ('0000:01:10.0', '0000:01:00.0', 'pci', '" UUID "', 'a', 'net-0', 'net', 'active', 5),"
    " ('0000:02:00.0', NULL, 'pci', '" UUID "', 'a', 'static:0000:02:00.0', NULL, 'claimed', 6);"
    "INSERT INTO withdrawn (uuid, request) VALUES ('" UUID "', 'net-1');"
    "INSERT INTO quarantine (device, reason, since) VALUES ('0000:03:00.0', 'smells', 8);";

/* Additional rows of version 2: a VF with saved settings, a suspended guest, a definition with a
 * placeholder. */
static const char rows_of_2[] =
    "INSERT INTO saved VALUES ('0000:01:10.0', 'trust=no vlan=0 vlan_qos=0 vlan_proto=802.1Q', 0);"
    "INSERT INTO hold (uuid, held, since) VALUES ('" UUID "', 1, 9);"
    "INSERT INTO tentative VALUES ('" UUID "', 'net-7', 'a', '0000:05:00.0', NULL, 4);";

/* The conflict keys that an upgrade makes of these rows. */
static const char keys_of_1[] = "0 0000:01:10.0 X\n"
                                "0 0000:02:00.0 X\n"
                                "0 family 0000:01:00.0 S\n"
                                "0 family 0000:02:00.0 X\n";
static const char keys_of_2[] = "1 0000:05:00.0 X\n"
                                "1 family 0000:05:00.0 X\n"
                                "1 iommu 4 G\n";

/* ---- files ---- */

static char *read_file(const char *name)
{
    VFA_AUTO(vfa_fclosep) FILE *f = fopen(name, "r");
    char *text = NULL;
    size_t size = 0;

    if (f && getdelim(&text, &size, '\0', f) < 0)
        return NULL;
    return text;
}

/* The text of a released schema, or NULL. Free it with free(). */
static char *released(unsigned version)
{
    const char *srcdir = getenv("srcdir");
    char name[PATH_MAX];

    snprintf(name, sizeof(name), "%s/tests/data/state/schema-%u.sql", srcdir ? srcdir : ".",
             version);
    return read_file(name);
}

static void sql(const char *file, const char *text)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    if (sqlite3_open(file, &db) != SQLITE_OK || sqlite3_exec(db, text, NULL, NULL, &why)) {
        fprintf(stderr, "%s: %s\n", file, why ? why : "cannot open");
        exit(1);
    }
    sqlite3_close(db);
}

/* The rows of a query as text. Free it with free(). */
static char *ask(const char *file, const char *query)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    char *text = strdup("");

    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK)
        exit(1);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        char *more;

        if (asprintf(&more, "%s%s\n", text, (const char *)sqlite3_column_text(stmt, 0)) < 0)
            exit(1);
        free(text);
        text = more;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return text;
}

static char *shape(const char *file)
{
    return ask(file, "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '')"
                     " FROM sqlite_master ORDER BY type, name");
}

static void make_older(unsigned version, const char *schema)
{
    char more[256], boot_id[64];

    if (vfa_sysfs_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id)) != 0)
        exit(1);
    snprintf(more, sizeof(more),
             "PRAGMA user_version = %u; INSERT INTO meta VALUES ('boot_id', '%s')", version,
             boot_id);
    unlink(path);
    sql(path, schema);
    sql(path, more);
    sql(path, rows);
    if (version >= 2)
        sql(path, rows_of_2);
}

static unsigned version_of(const char *file)
{
    VFA_AUTO(vfa_freep) char *text = ask(file, "PRAGMA user_version");

    return (unsigned)atoi(text);
}

static int open_state(enum vfa_state_mode mode, const char *file, struct vfa_state **ret,
                      struct vfa_error *err)
{
    *ret = NULL;
    return vfa_state_open(file, run, mode, ret, err);
}

/* ---- the tests ---- */

static void check_kept(struct vfa_state *state, unsigned version)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine quarantine = {NULL, 0};
    bool synced = false, withdrawn = false;
    int64_t freed = 0;

    CHECK(vfa_state_claims(state, UUID, &claims, NULL) == 0 && claims.n == 2, "%u: %zu", version,
          claims.n);
    if (claims.n != 2)
        return;
    CHECK(strcmp(claims.items[0].device, "0000:01:10.0") == 0 &&
              claims.items[0].state == VFA_CLAIM_ACTIVE && claims.items[0].since == 5 &&
              claims.items[0].state_since == 5 && !claims.items[0].why,
          "%u: %s", version, claims.items[0].device);
    CHECK(strcmp(claims.items[1].request, "static:0000:02:00.0") == 0, "%u: %s", version,
          claims.items[1].request);
    CHECK(vfa_state_synced(state, &synced, NULL) == 0 && synced, "%u", version);
    CHECK(vfa_state_is_withdrawn(state, UUID, "net-1", &withdrawn, NULL) == 0 && withdrawn, "%u",
          version);
    CHECK(vfa_state_quarantined(state, NULL, &quarantine, NULL) == 0 && quarantine.n == 1, "%u",
          version);
    CHECK(vfa_state_counter(state, VFA_COUNTER_FREED, &freed, NULL) == 0 && freed == 7, "%u: %d",
          version, (int)freed);
}

static void check_kept_of_2(struct vfa_state *state)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list saved = {NULL, 0};
    VFA_AUTO(vfa_tentatives_clear) struct vfa_tentatives tentative = {NULL, 0};
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};

    CHECK(vfa_state_saved(state, NULL, &saved, NULL) == 0 && saved.n == 1 &&
              saved.items[0].up == VFA_SAVED_NO &&
              vfa_vf_has(&saved.items[0].settings, VFA_VF_VLAN),
          "%zu", saved.n);
    CHECK(vfa_state_holds(state, NULL, &holds, NULL) == 0 && holds.n == 1, "%zu", holds.n);
    CHECK(vfa_state_tentative(state, NULL, &tentative, NULL) == 0 && tentative.n == 1, "%zu",
          tentative.n);
}

/* A claim with saved settings from the older version ends like a claim of this version. */
static void end_changed(struct vfa_state *state, const char *request)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0}, ending = {NULL, 0};
    const struct vfa_claim *claim;

    CHECK(vfa_state_claims(state, UUID, &claims, NULL) == 0, "claims");
    claim = vfa_claims_find(&claims, request);
    CHECK(claim && vfa_state_begin_release(state, claim, "its domain stopped", NULL) == 0, "begin");
    CHECK(vfa_state_ending(state, &ending, NULL) == 0 && ending.n == 1, "%zu", ending.n);
    CHECK(ending.n == 1 && vfa_state_end_release(state, &ending.items[0], NULL) < 0,
          "its device is not as it was");
    CHECK(vfa_state_forget_saved(state, "0000:01:10.0", NULL) == 0, "forget");
    CHECK(ending.n == 1 && vfa_state_end_release(state, &ending.items[0], NULL) == 0, "end");
}

static void check_keys(unsigned version)
{
    VFA_AUTO(vfa_freep)
    char *keys = ask(path, "SELECT tentative || ' ' || key || ' ' || mode FROM conflict_key"
                           " ORDER BY tentative, key");

    CHECK(strncmp(keys, keys_of_1, strlen(keys_of_1)) == 0 &&
              strcmp(keys + strlen(keys_of_1), version >= 2 ? keys_of_2 : "") == 0,
          "%u:\n%s", version, keys);
}

static void test_upgrade(unsigned version, const char *schema)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_freep) char *want = shape(fresh_path);
    VFA_AUTO(vfa_freep) char *got = NULL;
    VFA_AUTO(vfa_freep) char *index = NULL;

    make_older(version, schema);
    CHECK(open_state(VFA_STATE_WRITE, path, &state, NULL) == 0, "%u", version);
    if (!state)
        return;
    check_keys(version);
    check_kept(state, version);
    got = shape(path);
    CHECK(strcmp(got, want) == 0, "%u:\n%s", version, got);
    CHECK(version_of(path) == VFA_SCHEMA_VERSION, "%u: %u", version, version_of(path));
    index = ask(path, "SELECT value FROM meta WHERE key = 'index'");
    CHECK(*index == '\0', "%u: the index is trusted", version);

    if (version >= 2)
        check_kept_of_2(state);

    /* the triggers work: the device becomes free when its claim ends */
    if (version >= 2)
        end_changed(state, "net-0");
    CHECK(vfa_state_release(state, UUID, NULL, NULL, NULL) == 0, "%u", version);
    free(vfa_steal(&index));
    index = ask(path, "SELECT key FROM conflict_key WHERE tentative = 0");
    CHECK(*index == '\0', "%u: %s", version, index);
}

/* The ids of holds go on, although no hold is left. */
static void test_sequence(unsigned version, const char *schema)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_freep) char *ids = NULL;

    make_older(version, schema);
    sql(path, "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'hold'; DELETE FROM hold");
    CHECK(open_state(VFA_STATE_WRITE, path, &state, NULL) == 0 &&
              vfa_state_want_hold(state, UUID, NULL) == 0,
          "%u", version);
    ids = ask(path, "SELECT id FROM hold");
    CHECK(strcmp(ids, "10\n") == 0, "%u: %s", version, ids);
}

/* A reader of a new package, before any writer: reads the claims, and does not change the file. */
static void test_reading(unsigned version, const char *schema)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    make_older(version, schema);
    CHECK(open_state(VFA_STATE_READ, path, &state, NULL) == 0, "%u", version);
    if (state)
        check_kept(state, version);
    CHECK(version_of(path) == version, "%u: %u", version, version_of(path));
}

/* A row that the present schema forbids: the upgrade fails, and the file does not change. */
static void test_failure(unsigned version, const char *schema)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_freep) char *before = NULL;
    VFA_AUTO(vfa_freep) char *after = NULL;
    VFA_AUTO(vfa_freep) char *claims = NULL;

    make_older(version, schema);
    sql(path, "PRAGMA ignore_check_constraints = 1; UPDATE claim SET state = 'lost'");
    before = shape(path);
    CHECK(open_state(VFA_STATE_WRITE, path, &state, &err) == -EINVAL, "%u: %s", version,
          vfa_error_text(&err));
    after = shape(path);
    claims = ask(path, "SELECT count(*) FROM claim WHERE state = 'lost'");
    CHECK(strcmp(before, after) == 0 && version_of(path) == version, "%u", version);
    CHECK(strcmp(claims, "2\n") == 0, "%u: %s", version, claims);
}

static void test_newer(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    char pragma[64];

    snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", VFA_SCHEMA_VERSION + 1);
    unlink(path);
    sql(path, pragma);
    CHECK(open_state(VFA_STATE_WRITE, path, &state, &err) == -EPROTO, "%s", vfa_error_text(&err));
    CHECK(check_has(&err, "is newer than this program's"), "%s", vfa_error_text(&err));
}

static void test_released(void)
{
    unsigned n = 0;

    for (unsigned version = 1; version <= VFA_SCHEMA_VERSION; version++) {
        VFA_AUTO(vfa_freep) char *schema = released(version);

        if (!schema) /* the present version is not released yet */
            continue;
        n++;
        if (version == VFA_SCHEMA_VERSION) {
            VFA_AUTO(vfa_freep) char *want = shape(fresh_path);
            VFA_AUTO(vfa_freep) char *got = NULL;

            unlink(path);
            sql(path, schema);
            got = shape(path);
            CHECK(strcmp(got, want) == 0,
                  "lib/state/schema.sql differs from what was released as %u", version);
            continue;
        }
        test_upgrade(version, schema);
        test_reading(version, schema);
        test_failure(version, schema);
        if (version >= 2)
            test_sequence(version, schema);
    }
    CHECK(n >= VFA_SCHEMA_VERSION - 1, "%u of %d schemas are kept", n, VFA_SCHEMA_VERSION);
}

int main(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *fresh = NULL;

    strcpy(folder, "/tmp/vfalias-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    snprintf(run, sizeof(run), "%s/run", folder);
    snprintf(fresh_path, sizeof(fresh_path), "%s/fresh", folder);
    if (open_state(VFA_STATE_WRITE, fresh_path, &fresh, NULL) != 0)
        return 1;
    test_released();
    test_newer();
    unlink(path);
    unlink(fresh_path);
    rmdir(folder);
    return check_result();
}
