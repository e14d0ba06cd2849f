/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An allocation that finds no free device scans the hardware before it is refused. No transaction
 * is open during the scan, so no other program waits. If another program has just scanned, the
 * allocation does not scan. The test counts the scans; another process writes to the state during
 * each scan.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/assignment.h"
#include "claim/claim.h"
#include "claim/hotplug.h"
#include "claim/incoming.h"
#include "claim/prepare.h"
#include "claim/transaction.h"
#include "made-host.h"

#include <sqlite3.h>

int __real_vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                              struct vfa_error *err);
int __wrap_vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                              struct vfa_error *err);

static unsigned scans;
static bool frees; /* another process frees VF 3 during a scan */

static void write_meanwhile(void)
{
    struct vfa_host other = open_host(false);
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = vfa_state_begin(other.state, &err);

    if (r == 0 && frees)
        r = vfa_state_release(other.state, OTHER, vf(3), NULL, &err);
    if (r == 0)
        r = vfa_state_commit(other.state, &err);
    CHECK(r == 0, "another process: %s", vfa_error_text(&err));
    vfa_host_clear(&other);
}

int __wrap_vfa_inventory_scan(const struct vfa_sysfs *root, struct vfa_inventory **ret,
                              struct vfa_error *err)
{
    scans++;
    write_meanwhile();
    return __real_vfa_inventory_scan(root, ret, err);
}

static struct vfa_host full_host(void)
{
    struct vfa_host host = open_host(true);

    for (int i = 0; i < VFS; i++)
        claim_for_other(&host, vf(i));
    return host;
}

/* Makes the last scan `ms` older. */
static void age(int64_t ms)
{
    VFA_AUTO(vfa_freep) char *sql = NULL;
    sqlite3 *db = NULL;

    if (asprintf(&sql, "UPDATE meta SET value = value - %d WHERE key = 'scanned'", (int)ms) < 0 ||
        sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        made_give_up(state_path);
    sqlite3_close(db);
}

#define WANTS DOM(META(ASKS), "")

/* One function for each way to get a device. */
static int start(struct vfa_host *host, struct vfa_error *err)
{
    return vfa_prepare_domain(host, parse(WANTS), err);
}

static int hot_plug(struct vfa_host *host, struct vfa_error *err)
{
    const struct vfa_domain *domain = parse(WANTS);

    return vfa_hotplug_request(host, domain, &domain->requests[0], NULL, err);
}

static int arrive(struct vfa_host *host, struct vfa_error *err)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};

    return vfa_incoming_claim(host, parse(WANTS), VFA_INCOMING_HOTPLUG, &arrivals, err);
}

static int start_with_placeholder(struct vfa_host *host, struct vfa_error *err)
{
    return vfa_prepare_domain(host, parse(DOM("", SENTINEL("net-0"))), err);
}

static const struct {
    const char *label;
    int (*ask)(struct vfa_host *host, struct vfa_error *err);
    bool can_have; /* gets a device that becomes free during the scan */
} ways[] = {
    {"start", start, true},
    {"hot-plug", hot_plug, true},
    {"arrival", arrive, true},
    {"placeholder", start_with_placeholder, false},
};

static void test_way(size_t i)
{
    struct vfa_host host = full_host();
    const char *label = ways[i].label;

    frees = false;
    scans = 0;
    CHECK(ways[i].ask(&host, NULL) == VFA_CLAIM_REFUSED && scans == 1, "%s: %u", label, scans);
    CHECK(ways[i].ask(&host, NULL) == VFA_CLAIM_REFUSED && scans == 1, "%s, young: %u", label,
          scans);
    age(1100);
    CHECK(ways[i].ask(&host, NULL) == VFA_CLAIM_REFUSED && scans == 2, "%s, old: %u", label, scans);
    age(1100);
    frees = true;
    CHECK((ways[i].ask(&host, NULL) == 0) == ways[i].can_have && scans == 3, "%s: %u", label,
          scans);
    vfa_host_clear(&host);
}

/* A request that waits for a free device never scans. */
static void test_others(void)
{
    struct vfa_host host = full_host();
    const struct vfa_domain *domain;

    frees = false;
    CHECK(start(&host, NULL) == VFA_CLAIM_REFUSED, "the index is made");
    age(1100);
    scans = 0;
    domain = parse(WANTS);
    CHECK(vfa_hotplug_late(&host, domain, &domain->requests[0], NULL, NULL) == VFA_CLAIM_REFUSED &&
              scans == 0,
          "late: %u", scans);
    vfa_host_clear(&host);
}

/* A rehearsal scans as well, and leaves no claims. */
static int try_to_start(struct vfa_host *host, void *data, struct vfa_error *err)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
    unsigned *tries = data;

    ++*tries;
    return vfa_incoming_claim(host, parse(WANTS), VFA_INCOMING_HOTPLUG, &arrivals, err);
}

static void test_rehearsal(void)
{
    struct vfa_host host = open_host(true);
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    unsigned tries = 0;

    scans = 0;
    frees = false;
    CHECK(vfa_transaction_run(&host, false, try_to_start, &tries, NULL) == 0, "there is one");
    CHECK(tries == 2 && scans == 1, "no index: %u tries, %u scans", tries, scans);
    CHECK(vfa_state_claims(host.state, NULL, &claims, NULL) == 0 && claims.n == 0, "%zu claims",
          claims.n);
    vfa_host_clear(&host);
}

int main(void)
{
    make_host();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
        test_way(i);
    test_others();
    test_rehearsal();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
