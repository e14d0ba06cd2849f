/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which claims and holds vfa_gc() drops, also after the clock was set. An error with one claim does
 * not keep the others. libvirt is simulated: the test is linked with --wrap for the three functions
 * that vfa_gc() calls.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/hold.h"
#include "state/release.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/release.h"
#include "helpers/shared/gc.h"
#include "check.h"
#include "made-keys.h"
#include "made-sysfs.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <sqlite3.h>
#include <time.h>

#define N 4

static const char *const uuids[N] = {
    "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000",
    "cccccccc-0000-4000-8000-000000000000", "dddddddd-0000-4000-8000-000000000000"};
static const char *const devices[N] = {"0000:01:10.0", "0000:01:10.2", "0000:01:10.4",
                                       "0000:01:10.6"};
static char state_path[96];
static struct vfa_config config = {
    .sysfs_root = (char *)"/made", .incoming_timeout = 300, .state_path = state_path};

/* ---- libvirt ---- */

static struct {
    const char *runs, *fails; /* UUIDs, or NULL */
} libvirt;

virDomainPtr __wrap_virDomainLookupByUUIDString(virConnectPtr conn, const char *uuid);
int __wrap_virDomainIsActive(virDomainPtr domain);
int __wrap_virDomainFree(virDomainPtr domain);

virDomainPtr __wrap_virDomainLookupByUUIDString(virConnectPtr conn, const char *uuid)
{
    return (virDomainPtr)(uintptr_t)uuid;
}

int __wrap_virDomainIsActive(virDomainPtr domain)
{
    const char *uuid = (const char *)domain;

    if (libvirt.fails && strcmp(uuid, libvirt.fails) == 0)
        return -1;
    return libvirt.runs && strcmp(uuid, libvirt.runs) == 0;
}

int __wrap_virDomainFree(virDomainPtr domain)
{
    return 0;
}

/* ---- the state ---- */

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        made_give_up(sql);
    sqlite3_close(db);
}

static struct vfa_host begin(void)
{
    struct vfa_host host = {.config = &config, .sysfs = {.rootfd = -1}};

    libvirt.runs = libvirt.fails = NULL;
    unlink(state_path);
    if (vfa_state_open(state_path, made_root, VFA_STATE_WRITE, &host.state, NULL) != 0)
        made_give_up("state");
    return host;
}

static void end(struct vfa_host *host)
{
    host->state = vfa_state_close(host->state);
}

/* Makes claim or hold number i, as if it were made `age` seconds ago. */
static void make_claim(struct vfa_host *host, int i, enum vfa_claim_state claim_state, int age)
{
    const struct vfa_claim claim = {.device = (char *)devices[i],
                                    .keys = made_keys(devices[i], NULL, -1),
                                    .kind = (char *)"pci",
                                    .uuid = (char *)uuids[i],
                                    .domain = (char *)uuids[i],
                                    .request = (char *)"net-0",
                                    .state = claim_state,
                                    .since = time(NULL) - age};

    CHECK(vfa_state_claim(host->state, &claim, NULL) == 0, "claim %d", i);
}

static void make_hold(struct vfa_host *host, int i, int age)
{
    char sql[64];

    CHECK(vfa_state_want_hold(host->state, uuids[i], NULL) == 0, "hold %d", i);
    snprintf(sql, sizeof(sql), "UPDATE hold SET since = since - (%d)", age);
    run_sql(sql);
}

static bool has_claim(struct vfa_host *host, int i)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_claims(host->state, uuids[i], &claims, NULL) == 0, "claims");
    return claims.n > 0;
}

static bool has_hold(struct vfa_host *host, int i)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};

    CHECK(vfa_state_holds(host->state, uuids[i], &holds, NULL) == 0, "holds");
    return holds.n > 0;
}

/* ---- which claims are dropped ---- */

static const struct {
    const char *label;
    enum vfa_claim_state state;
    int age; /* seconds */
    bool kept;
    int result;
} ages[] = {
    {"left over", VFA_CLAIM_CLAIMED, 5, false, 0},
    {"left over, active", VFA_CLAIM_ACTIVE, 5, false, 0},
    {"young", VFA_CLAIM_CLAIMED, -5, true, VFA_GC_AGAIN},
    {"the clock was set back", VFA_CLAIM_CLAIMED, -3600, false, 0},
    {"incoming", VFA_CLAIM_INCOMING, 5, true, 0},
    {"incoming, too old", VFA_CLAIM_INCOMING, 400, false, 0},
    {"incoming, the clock was set back a little", VFA_CLAIM_INCOMING, -5, true, 0},
    {"incoming, the clock was set back", VFA_CLAIM_INCOMING, -3600, false, 0},
};

static void test_ages(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
        struct vfa_host host = begin();
        size_t n = 9;

        make_claim(&host, 0, ages[i].state, ages[i].age);
        CHECK(vfa_gc(NULL, &host, NULL, &n, NULL) == ages[i].result, "%s", ages[i].label);
        CHECK(has_claim(&host, 0) == ages[i].kept && n == !ages[i].kept, "%s: %zu", ages[i].label,
              n);
        end(&host);
    }
}

static void test_hold_ages(void)
{
    static const int kept[] = {-5}, dropped[] = {5, -3600};

    for (size_t i = 0; i < ARRAY_SIZE(kept) + ARRAY_SIZE(dropped); i++) {
        bool is_kept = i < ARRAY_SIZE(kept);
        int age = is_kept ? kept[i] : dropped[i - ARRAY_SIZE(kept)];
        struct vfa_host host = begin();

        make_hold(&host, 0, age);
        CHECK(vfa_gc(NULL, &host, NULL, NULL, NULL) == (is_kept ? VFA_GC_AGAIN : 0), "%d", age);
        CHECK(has_hold(&host, 0) == is_kept, "%d", age);
        end(&host);
    }
}

static void test_running(void)
{
    struct vfa_host host = begin();

    libvirt.runs = uuids[1];
    for (int i = 0; i < N; i++) {
        make_claim(&host, i, VFA_CLAIM_ACTIVE, 5);
        make_hold(&host, i, 5);
    }
    CHECK(vfa_gc(NULL, &host, NULL, NULL, NULL) == 0, "gc");
    for (int i = 0; i < N; i++)
        CHECK(has_claim(&host, i) == (i == 1) && has_hold(&host, i) == (i == 1), "%d", i);
    end(&host);
}

/* ---- an error with one claim or hold does not keep the others ---- */

static void check_others(struct vfa_host *host, int bad, const char *says)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(vfa_gc(NULL, host, NULL, NULL, &err) < 0 && check_has(&err, says), "%d: %s", bad,
          err.code ? vfa_error_text(&err) : "no error");
    for (int i = 0; i < N; i++)
        CHECK(has_claim(host, i) == (i == bad), "%d: claim %d", bad, i);
}

static void check_releasing(struct vfa_host *host, const char *device)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_release_left left = {0};

    CHECK(vfa_release_finish(host, VFA_RELEASE_WAIT, &left, &err) == -EPERM && left.n == 1 &&
              check_has(&err, "'/made' is not this host's"),
          "%s: %zu left", device, left.n);
    CHECK(vfa_state_ending(host->state, &ending, NULL) == 0 && ending.n == 1 &&
              strcmp(ending.items[0].device, device) == 0 &&
              strcmp(ending.items[0].why, VFA_WHY_UNBACKED) == 0,
          "%s: %zu", device, ending.n);
}

/* Settings cannot be restored here: the domain loses its claim, but the device is not free. */
static void test_not_released(void)
{
    for (int bad = 0; bad < N; bad++) {
        struct vfa_host host = begin();
        char sql[128];

        for (int i = 0; i < N; i++) {
            make_claim(&host, i, VFA_CLAIM_ACTIVE, 5);
            make_hold(&host, i, 5);
        }
        snprintf(sql, sizeof(sql), "INSERT INTO saved (device, settings) VALUES ('%s', 'trust=no')",
                 devices[bad]);
        run_sql(sql);
        CHECK(vfa_gc(NULL, &host, NULL, NULL, NULL) == 0, "%d: gc", bad);
        for (int i = 0; i < N; i++)
            CHECK(!has_hold(&host, i) && !has_claim(&host, i), "%d: %d", bad, i);
        check_releasing(&host, devices[bad]);
        end(&host);
    }
}

/* A domain counts as running if libvirt fails with an error for it. */
static void test_not_told(void)
{
    for (int bad = 0; bad < N; bad++) {
        struct vfa_host host = begin();

        libvirt.fails = uuids[bad];
        for (int i = 0; i < N; i++) {
            make_claim(&host, i, VFA_CLAIM_ACTIVE, 5);
            make_hold(&host, i, 5);
        }
        check_others(&host, bad, "cannot ask for domain");
        for (int i = 0; i < N; i++)
            CHECK(has_hold(&host, i) == (i == bad), "%d: hold %d", bad, i);
        end(&host);
    }
}

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    snprintf(state_path, sizeof(state_path), "%s/state", made_root);
    test_ages();
    test_hold_ages();
    test_running();
    test_not_released();
    test_not_told();
    made_end(&sysfs);
    return check_result();
}
