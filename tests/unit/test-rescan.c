/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The counters of the state, and two rescans at once: the index must be that of the scan that began
 * last. This file replaces vfa_inventory_scan(): it returns one device, and lets another process,
 * whose scan returned two devices, replace the index meanwhile.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/index-build.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/rescan.h"
#include "check.h"
#include "made-keys.h"

static char folder[64], path[96];
static const struct vfa_config config = {.digest = "digest"};
static unsigned scans;
static int64_t others; /* when the scan of the other process began; 0: no other process */

int __wrap_vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                              struct vfa_error *err);

static struct vfa_inventory *inventory(size_t n, int64_t began)
{
    struct vfa_inventory *inv = calloc(1, sizeof(*inv));

    inv->devices = calloc(n + 1, sizeof(*inv->devices));
    for (size_t i = 0; i < n; i++) {
        inv->devices[i] = (struct vfa_device){
            .addr = {0, 1, (uint8_t)i, 0}, .type = VFA_TYPE_VF, .numa_node = -1, .iommu_group = -1};
        vfa_pci_addr_format(&inv->devices[i].addr, inv->devices[i].id);
    }
    inv->n = n;
    inv->scanned = began;
    return inv;
}

static struct vfa_state *open_state(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_state *state = NULL;

    if (vfa_state_open(path, folder, VFA_STATE_WRITE, &state, &err) != 0) {
        fprintf(stderr, "%s\n", vfa_error_text(&err));
        exit(1);
    }
    return state;
}

/* ---- counters ---- */

#define UUID_A "aaaaaaaa-0000-0000-0000-000000000000"
#define PF     "0000:01:00.0"
#define VF0    "0000:01:10.0"
#define VF1    "0000:01:10.2"

static int claim(struct vfa_state *state, const char *device, const char *request)
{
    const struct vfa_claim c = {.device = (char *)device,
                                .keys = made_keys(device, PF, -1),
                                .kind = (char *)"pci",
                                .uuid = (char *)UUID_A,
                                .domain = (char *)"a",
                                .request = (char *)request,
                                .state = VFA_CLAIM_CLAIMED};

    return vfa_state_claim(state, &c, NULL);
}

static int64_t counter(struct vfa_state *state, enum vfa_counter which)
{
    int64_t n = -1;

    CHECK(vfa_state_counter(state, which, &n, NULL) == 0, "read");
    return n;
}

static void test_freed(void)
{
    struct vfa_state *state;

    unlink(path);
    state = open_state();
    CHECK(claim(state, VF0, "n-0") == 0 && claim(state, VF1, "n-1") == 0, "claim");
    CHECK(counter(state, VFA_COUNTER_FREED) == 0, "a claim frees nothing");
    CHECK(vfa_state_release(state, UUID_A, NULL, NULL, NULL) == 0, "release");
    CHECK(counter(state, VFA_COUNTER_FREED) == 2, "two claims");
    CHECK(vfa_state_release(state, UUID_A, NULL, NULL, NULL) == 0, "release");
    CHECK(counter(state, VFA_COUNTER_FREED) == 2, "nothing to release");
    CHECK(vfa_state_quarantine(state, VF0, VFA_QUARANTINE_OTHER, "x", NULL) == 0, "quarantine");
    CHECK(counter(state, VFA_COUNTER_FREED) == 2, "a quarantine frees nothing");
    CHECK(vfa_state_end_quarantine(state, VF0, NULL) == 0, "end");
    CHECK(counter(state, VFA_COUNTER_FREED) == 3, "the end of one does");
    vfa_state_close(state);
}

static void test_counters(void)
{
    const struct vfa_inventory nothing = {.n = 0};
    struct vfa_state *state;

    unlink(path);
    state = open_state();
    CHECK(counter(state, VFA_COUNTER_SCANS) == 0, "new");
    CHECK(vfa_state_index_replace(state, &config, &nothing, NULL) == 0, "replace");
    CHECK(counter(state, VFA_COUNTER_SCANS) == 1 && counter(state, VFA_COUNTER_FREED) == 0, "scan");
    CHECK(vfa_state_begin(state, NULL) == 0, "begin");
    CHECK(vfa_state_count_up(state, VFA_COUNTER_FREED, NULL) == 0, "count up");
    CHECK(counter(state, VFA_COUNTER_FREED) == 1, "inside");
    vfa_state_rollback(state);
    CHECK(counter(state, VFA_COUNTER_FREED) == 0, "rolled back");
    vfa_state_close(state);
}

/* ---- rescans ---- */

/* Another process replaces the index: it can, because no transaction is open during a scan. */
static void somebody_else(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = inventory(2, others);
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();

    CHECK(vfa_state_index_replace(state, &config, inv, &err) == 0, "%s", vfa_error_text(&err));
}

#define BEGAN 1000

int __wrap_vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                              struct vfa_error *err)
{
    scans++;
    *ret = inventory(1, BEGAN);
    if (others)
        somebody_else();
    return 0;
}

static const struct {
    const char *label;
    int64_t others;
    bool kept; /* the index of the other process stays */
} races[] = {
    {"alone", 0, false},
    {"somebody began later, and was done first", BEGAN + 1, true},
    {"somebody began earlier, and was done first", BEGAN - 1, false},
    {"somebody's clock was another one", INT64_MAX, false},
};

static void test_rescan(size_t i)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = {.config = &config, .sysfs = {.rootfd = -1}};
    const char *label = races[i].label;
    int64_t began = 0;
    size_t n = 0;

    unlink(path);
    host.state = open_state();
    scans = 0;
    others = races[i].others;
    CHECK(vfa_rescan(&host, false, &n, NULL) == 0 && n == 1, "%s: %zu", label, n);
    CHECK(scans == 1, "%s: %u scans", label, scans);
    CHECK(vfa_state_index_scanned(host.state, &began, NULL) == 0 &&
              began == (races[i].kept ? others : BEGAN),
          "%s: the index is of %d", label, (int)began);
    CHECK(counter(host.state, VFA_COUNTER_SCANS) == (others != 0) + !races[i].kept, "%s", label);
    CHECK(counter(host.state, VFA_COUNTER_FREED) == !races[i].kept, "%s: who waits is told", label);
}

int main(void)
{
    strcpy(folder, "/tmp/vfa-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    test_freed();
    test_counters();
    for (size_t i = 0; i < ARRAY_SIZE(races); i++)
        test_rescan(i);
    unlink(path);
    rmdir(folder);
    return check_result();
}
