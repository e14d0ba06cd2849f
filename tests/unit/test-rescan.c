/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The counters of the state, and two rescans at once: an earlier scan never overwrites a later one.
 * vfa_inventory_scan() is this file's: it gives one device more at each call, and lets somebody
 * else replace the index meanwhile as often as it is told.
 */
#include "allocate.h"
#include "check.h"

static char folder[64], path[96];
static const struct vfa_config config = {.digest = "digest"};
static unsigned scans, others;

int __wrap_vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                              struct vfa_error *err);

static struct vfa_inventory *inventory(size_t n)
{
    struct vfa_inventory *inv = calloc(1, sizeof(*inv));

    inv->devices = calloc(n + 1, sizeof(*inv->devices));
    for (size_t i = 0; i < n; i++)
        inv->devices[i] = (struct vfa_device){
            .addr = {0, 1, (uint8_t)i, 0}, .type = VFA_TYPE_VF, .numa_node = -1, .iommu_group = -1};
    inv->n = n;
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
                                .parent = (char *)PF,
                                .iommu_group = -1,
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
    CHECK(vfa_state_quarantine(state, VF0, "x", NULL) == 0, "quarantine");
    CHECK(counter(state, VFA_COUNTER_FREED) == 2, "a quarantine frees nothing");
    CHECK(vfa_state_end_quarantine(state, VF0, NULL) == 0, "end");
    CHECK(counter(state, VFA_COUNTER_FREED) == 3, "the end of one does");
    vfa_state_close(state);
}

static void test_counters(void)
{
    const struct vfa_inventory nothing = {NULL, 0};
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

/* Another process, which began later and is done first. */
static void somebody_else(void)
{
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = inventory(20);
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();

    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(vfa_state_index_replace(state, &config, inv, &err) == 0, "%s", vfa_error_text(&err));
}

int __wrap_vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                              struct vfa_error *err)
{
    *ret = inventory(++scans);
    if (others > 0) {
        others--;
        somebody_else();
    }
    return 0;
}

static void test_rescan(const char *label, unsigned interruptions, unsigned expected_scans)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = {.config = &config, .sysfs = {.rootfd = -1}};
    size_t n = 0;

    unlink(path);
    host.state = open_state();
    scans = 0;
    others = interruptions;
    CHECK(vfa_allocate_rescan(&host, &n, NULL) == 0, "%s", label);
    CHECK(scans == expected_scans, "%s: %u scans", label, scans);
    CHECK(n == expected_scans, "%s: the index is of scan %zu", label, n);
    CHECK(counter(host.state, VFA_COUNTER_SCANS) == interruptions + 1, "%s", label);
    CHECK(counter(host.state, VFA_COUNTER_FREED) == 1, "%s: who waits is told once", label);
}

int main(void)
{
    strcpy(folder, "/tmp/vfa-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    test_freed();
    test_counters();
    test_rescan("alone", 0, 1);
    test_rescan("overtaken once", 1, 2);
    test_rescan("overtaken twice", 2, 3);
    test_rescan("overtaken each time: then nobody can", 3, 4);
    unlink(path);
    rmdir(folder);
    return check_result();
}
