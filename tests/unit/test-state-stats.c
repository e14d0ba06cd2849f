/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts of free devices from the index, and when the index cannot tell. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/inventory.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/failed.h"
#include "state/index-build.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/stats.h"
#include "choose/choose.h"
#include "choose/verdict-health.h"
#include "choose/verdict.h"
#include "check.h"
#include "made-keys.h"

#include <sys/stat.h>

#define UUID "aaaaaaaa-0000-0000-0000-000000000000"

static char folder[64], path[96];

enum { PF, VF0, VF1, VF2, N };
static const char *const names[N] = {"0000:01:00.0", "0000:01:10.0", "0000:01:10.1",
                                     "0000:01:10.2"};
static struct vfa_device devices[N];
static struct vfa_checked checked[N];
static struct vfa_inventory inv = {.devices = devices, .n = N};

/* A card whose devices are all healthy. VF1 and VF2 share an IOMMU group. */
static void make_card(void)
{
    for (int i = 0; i < N; i++) {
        devices[i] = (struct vfa_device){.type = i == PF ? VFA_TYPE_PF : VFA_TYPE_VF,
                                         .vendor = 0x8086,
                                         .product = i == PF ? 0x10c9 : 0x10ca,
                                         .class = 0x020000,
                                         .iommu_group = i == VF2 ? VF1 : i,
                                         .netdev = (char *)"eth0"};
        CHECK(vfa_parse_pci_addr(names[i], &devices[i].addr) == 0, "%s", names[i]);
        strcpy(devices[i].id, names[i]);
        devices[i].parent = devices[PF].addr;
        checked[i] = (struct vfa_checked){.known = true};
    }
    inv.scanned = vfa_inventory_clock();
}

#define VFS "\"vendor_id\": \"8086\", \"product_id\": \"10ca\", \"device_type\": \"type-VF\""

static const char conf[] = "[pci]\n"
                           "device_spec = {\"vendor_id\": \"8086\"}\n"
                           "alias = {\"name\": \"net\", " VFS "}\n"
                           "alias = {\"name\": \"tap\", " VFS ", \"attach\": \"macvtap\"}\n";

static struct vfa_config *make_config(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_config *config = NULL;
    char file[128];
    FILE *f;

    snprintf(file, sizeof(file), "%s/conf", folder);
    f = fopen(file, "w");
    if (!f || fputs(conf, f) < 0 || fclose(f) != 0 || vfa_config_load(file, &config, &err) < 0) {
        fprintf(stderr, "%s\n", vfa_error_text(&err));
        exit(1);
    }
    unlink(file);
    return config;
}

static struct vfa_state *open_state(void)
{
    struct vfa_state *state = NULL;

    if (vfa_state_open(path, folder, VFA_STATE_WRITE, &state, NULL) != 0)
        exit(1);
    return state;
}

static void claim(struct vfa_state *state, int device)
{
    const struct vfa_claim c = {.device = (char *)names[device],
                                .keys = made_keys(names[device],
                                                  device == PF ? NULL : (char *)names[PF],
                                                  devices[device].iommu_group),
                                .kind = (char *)"pci",
                                .uuid = (char *)UUID,
                                .domain = (char *)"a",
                                .request = (char *)"net-0",
                                .state = VFA_CLAIM_CLAIMED};

    CHECK(vfa_state_claim(state, &c, NULL) == 0, "claim %s", names[device]);
}

static void scan(struct vfa_state *state, const struct vfa_config *config,
                 const struct vfa_checked *what)
{
    const struct vfa_index_checks checks = {vfa_verdict_healthy, what};

    CHECK(vfa_state_index_prepare(state, config, &inv, what ? &checks : NULL, NULL) == 0 &&
              vfa_state_index_install(state, config, inv.scanned, NULL) == 0,
          "scan");
}

/* Checks the numbers of free PFs, free VFs, and free devices of the aliases net and tap; -1: not
 * known. */
static void expect(struct vfa_state *state, const struct vfa_config *config, const char *label,
                   int pfs, int vfs, int net, int tap)
{
    VFA_AUTO(vfa_stats_clear) struct vfa_stats stats = {NULL, 0, NULL};
    int r = vfa_state_stats(state, config, &stats, NULL);

    CHECK(r == (pfs < 0 ? VFA_STATE_ABSENT : 0), "%s: %d", label, r);
    if (r != 0)
        return;
    CHECK(stats.n == 2 && stats.stock[0].type == VFA_TYPE_PF && stats.stock[0].spec == 0 &&
              stats.stock[1].product == 0x10ca,
          "%s: %zu", label, stats.n);
    CHECK((int)stats.stock[0].free == pfs && (int)stats.stock[1].free == vfs, "%s: %u PFs, %u VFs",
          label, stats.stock[0].free, stats.stock[1].free);
    CHECK(stats.aliases[0].total == 3 && stats.aliases[1].total == 3, "%s: %u", label,
          stats.aliases[0].total);
    CHECK((int)stats.aliases[0].free == net && (int)stats.aliases[1].free == tap,
          "%s: %u net, %u tap", label, stats.aliases[0].free, stats.aliases[1].free);
}

static const struct {
    const char *label;
    int claimed, quarantined; /* a device with a claim, a device in quarantine; N: none */
    int pfs, vfs, net, tap;
} cases[] = {
    {"nothing", N, N, 1, 3, 3, 3},
    {"a VF, and its PF", VF0, N, 0, 2, 2, 2},
    {"a PF, and its VFs", PF, N, 0, 0, 0, 0},
    {"a VF of a group, which is not in the way of a macvtap", VF1, N, 0, 1, 1, 2},
    {"in quarantine", N, VF0, 1, 2, 2, 2},
    {"both, of the same device", VF0, VF0, 0, 2, 2, 2},
    {"in quarantine, in the group of what is claimed", VF1, VF2, 0, 1, 1, 1},
};

static void test_claims(const struct vfa_config *config)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

        unlink(path);
        make_card();
        state = open_state();
        scan(state, config, checked);
        if (cases[i].claimed < N)
            claim(state, cases[i].claimed);
        if (cases[i].quarantined < N)
            vfa_state_quarantine(state, names[cases[i].quarantined], VFA_QUARANTINE_OTHER, "x",
                                 NULL);
        expect(state, config, cases[i].label, cases[i].pfs, cases[i].vfs, cases[i].net,
               cases[i].tap);
    }
}

static void test_health(const struct vfa_config *config)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    unlink(path);
    make_card();
    state = open_state();
    checked[PF].use = VFA_VERDICT_VF;
    checked[VF0].use = VFA_VERDICT_NETDEV;
    checked[VF1].group = VFA_VERDICT_GROUP;
    devices[VF2].netdev = NULL;
    scan(state, config, checked);
    expect(state, config, "what is not healthy", 0, 1, 1, 1);
    claim(state, VF0);
    expect(state, config, "is not missed twice", 0, 1, 1, 1);
}

static void test_not_known(struct vfa_config *config)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    unlink(path);
    make_card();
    state = open_state();
    expect(state, config, "no index", -1, 0, 0, 0);
    scan(state, config, NULL);
    expect(state, config, "devices were not checked", -1, 0, 0, 0);
    checked[VF0].known = checked[PF].known = false;
    claim(state, VF0);
    scan(state, config, checked);
    expect(state, config, "who had a device at the scan still has it", 0, 2, 2, 2);
    CHECK(vfa_state_release(state, UUID, NULL, NULL, NULL) == 0, "release");
    expect(state, config, "and has not", -1, 0, 0, 0);
    checked[VF0].known = checked[PF].known = true;
    scan(state, config, checked);
    expect(state, config, "another scan", 1, 3, 3, 3);
    config->digest[0] ^= 1;
    expect(state, config, "another configuration", -1, 0, 0, 0);
    config->digest[0] ^= 1;
    inv.scanned = INT64_MAX;
    scan(state, config, checked);
    expect(state, config, "another clock", -1, 0, 0, 0);
}

static void test_failed(const struct vfa_config *config)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine failures = {NULL, 0};

    unlink(path);
    make_card();
    state = open_state();
    scan(state, config, checked);
    vfa_state_set_failed(state, names[VF0], "x", NULL);
    vfa_state_set_failed(state, names[VF2], "x", NULL);
    inv.n = VF2; /* VF2 is gone */
    scan(state, config, checked);
    inv.n = N;
    CHECK(vfa_state_failures(state, &failures, NULL) == 0 && failures.n == 1 &&
              strcmp(failures.items[0].device, names[VF0]) == 0,
          "%zu failures", failures.n);
}

int main(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    strcpy(folder, "/tmp/vfa-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    config = make_config();
    test_claims(config);
    test_health(config);
    test_not_known(config);
    test_failed(config);
    unlink(path);
    rmdir(folder);
    return check_result();
}
