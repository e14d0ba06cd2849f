/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file: its rules, its index, and damaged files. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/drop.h"
#include "state/hold.h"
#include "state/index-build.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "check.h"
#include "made-keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define UUID_A "aaaaaaaa-0000-0000-0000-000000000000"
#define UUID_B "bbbbbbbb-0000-0000-0000-000000000000"
#define PF     "0000:01:00.0"
#define VF0    "0000:01:10.0"
#define VF1    "0000:01:10.2"

static char folder[64], path[96], run[96];

static struct vfa_state *open_state(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_state *state = NULL;

    if (vfa_state_open(path, run, VFA_STATE_WRITE, &state, &err) != 0) {
        fprintf(stderr, "%s\n", vfa_error_text(&err));
        exit(1);
    }
    return state;
}

static int claim(struct vfa_state *state, const char *device, const char *parent, const char *uuid,
                 const char *request)
{
    const struct vfa_claim c = {.device = (char *)device,
                                .keys = made_keys(device, parent, -1),
                                .kind = (char *)"pci",
                                .uuid = (char *)uuid,
                                .domain = (char *)(uuid[0] == 'a' ? "a" : "b"),
                                .request = (char *)request,
                                .alias = (char *)"net",
                                .state = VFA_CLAIM_CLAIMED};

    return vfa_state_claim(state, &c, NULL);
}

static void start_anew(void)
{
    unlink(path);
}

/* ---- rules ---- */

static const struct {
    const char *label;
    const char *first_device, *first_parent;
    const char *second_device, *second_parent, *second_uuid, *second_request;
    int result;
} rules[] = {
    {"another VF", VF0, PF, VF1, PF, UUID_B, "n-0", 0},
    {"the same device", VF0, PF, VF0, PF, UUID_B, "n-0", VFA_STATE_TAKEN},
    {"the same request", VF0, PF, VF1, PF, UUID_A, "n-0", VFA_STATE_TAKEN},
    {"another request", VF0, PF, VF1, PF, UUID_A, "n-1", 0},
    {"PF of a claimed VF", VF0, PF, PF, NULL, UUID_B, "n-0", VFA_STATE_TAKEN},
    {"VF of a claimed PF", PF, NULL, VF0, PF, UUID_B, "n-0", VFA_STATE_TAKEN},
    {"VF of another PF", PF, NULL, "0000:02:10.0", "0000:02:00.0", UUID_B, "n-0", 0},
    {"a UUID that no row may have", VF0, PF, VF1, PF, "", "n-0", -EINVAL},
};

static void test_rules(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
        int r;

        start_anew();
        state = open_state();
        CHECK(claim(state, rules[i].first_device, rules[i].first_parent, UUID_A, "n-0") == 0, "%s",
              rules[i].label);
        r = claim(state, rules[i].second_device, rules[i].second_parent, rules[i].second_uuid,
                  rules[i].second_request);
        CHECK(r == rules[i].result, "%s: %d", rules[i].label, r);
    }
}

static void test_release(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    size_t n = 9;

    start_anew();
    state = open_state();
    claim(state, VF0, PF, UUID_A, "n-0");
    claim(state, VF1, PF, UUID_A, "n-1");
    claim(state, "0000:02:10.0", NULL, UUID_B, "n-0");
    CHECK(vfa_state_release(state, UUID_A, "n-1", &n, NULL) == 0 && n == 1, "%zu", n);
    CHECK(vfa_state_release(state, UUID_A, NULL, &n, NULL) == 0 && n == 1, "%zu", n);
    CHECK(vfa_state_release(state, UUID_A, NULL, &n, NULL) == 0 && n == 0, "%zu", n);
    CHECK(vfa_state_claims(state, NULL, &claims, NULL) == 0 && claims.n == 1, "%zu", claims.n);
    CHECK(strcmp(claims.items[0].uuid, UUID_B) == 0, "%s", claims.items[0].uuid);
    CHECK(vfa_state_release(state, UUID_B, NULL, &n, NULL) == 0 && n == 1, "%zu", n);
}

static void test_notes(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims after = {NULL, 0};
    bool withdrawn = false;

    start_anew();
    state = open_state();
    claim(state, VF0, PF, UUID_A, "n-0");
    CHECK(vfa_state_set_claim_error(state, UUID_A, "n-0", "no", NULL) == 0, "error");
    CHECK(vfa_state_set_claim_error(state, UUID_A, "n-0", "no port", NULL) == 0, "error");
    CHECK(vfa_state_claims(state, UUID_A, &claims, NULL) == 0, "claims");
    CHECK(claims.items[0].attempts == 2 && strcmp(claims.items[0].error, "no port") == 0, "%u",
          claims.items[0].attempts);
    CHECK(vfa_state_set_claim_state(state, UUID_A, "n-0", VFA_CLAIM_ACTIVE, NULL) == 0, "state");
    CHECK(vfa_state_claims(state, UUID_A, &after, NULL) == 0, "claims");
    CHECK(after.items[0].state == VFA_CLAIM_ACTIVE && !after.items[0].error, "cleared");
    CHECK(vfa_state_withdraw(state, UUID_A, "n-0", NULL) == 0, "withdraw");
    CHECK(vfa_state_is_withdrawn(state, UUID_A, "n-0", &withdrawn, NULL) == 0 && withdrawn, "is");
    CHECK(vfa_state_is_withdrawn(state, UUID_A, "n-1", &withdrawn, NULL) == 0 && !withdrawn, "not");
    vfa_state_release(state, UUID_A, NULL, NULL, NULL);
    CHECK(vfa_state_is_withdrawn(state, UUID_A, "n-0", &withdrawn, NULL) == 0 && !withdrawn,
          "gone");
}

/* ---- transactions ---- */

static size_t count_claims(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_claims(state, NULL, &claims, NULL) == 0, "claims");
    return claims.n;
}

static void test_transaction(void)
{
    struct vfa_state *state;

    start_anew();
    state = open_state();
    CHECK(vfa_state_begin(state, NULL) == 0, "begin");
    claim(state, VF0, PF, UUID_A, "n-0");
    CHECK(claim(state, VF0, PF, UUID_B, "n-0") == VFA_STATE_TAKEN, "taken inside");
    claim(state, VF1, PF, UUID_A, "n-1");
    vfa_state_close(state); /* without commit */
    CHECK(count_claims() == 0, "rolled back");
    state = open_state();
    vfa_state_begin(state, NULL);
    claim(state, VF0, PF, UUID_A, "n-0");
    CHECK(vfa_state_commit(state, NULL) == 0, "commit");
    vfa_state_close(state);
    CHECK(count_claims() == 1, "there");
}

/* Many processes claim the same few devices: each gets a device or VFA_STATE_TAKEN. */
static void test_contention(void)
{
    enum { PROCESSES = 16, DEVICES = 10 };
    int got = 0;

    start_anew();
    vfa_state_close(open_state());
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            struct vfa_state *state = open_state();
            char uuid[VFA_UUID_SIZE], device[VFA_PCI_ADDR_SIZE];
            int r = VFA_STATE_TAKEN;

            snprintf(uuid, sizeof(uuid), "aaaaaaaa-0000-0000-0000-%012d", p);
            for (int d = 0; d < DEVICES && r == VFA_STATE_TAKEN; d++) {
                snprintf(device, sizeof(device), "0000:03:00.%d", d % 8);
                device[8] = d < 8 ? '0' : '1';
                r = claim(state, device, NULL, uuid, "n-0");
            }
            vfa_state_close(state);
            _exit(r == 0 ? 0 : 1);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;

        if (wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            got++;
    }
    CHECK(got == DEVICES, "%d", got);
    CHECK(count_claims() == DEVICES, "%zu", count_claims());
}

/* ---- the index ---- */

static struct vfa_device vf(uint8_t bus, uint8_t slot)
{
    struct vfa_device dev = {.addr = {0, bus, slot, 0},
                             .parent = {0, bus, 0, 0},
                             .type = VFA_TYPE_VF,
                             .vendor = 0x8086,
                             .product = 0x10ca,
                             .numa_node = -1,
                             .iommu_group = -1};

    vfa_pci_addr_format(&dev.addr, dev.id);
    return dev;
}

/* No device_spec, so every VF may be claimed; one alias selects the VFs of this product. */
static struct vfa_config *make_config(void)
{
    struct vfa_config *config = calloc(1, sizeof(*config));

    if (!config || !(config->aliases = calloc(1, sizeof(*config->aliases))) ||
        !(config->aliases[0].choices = calloc(1, sizeof(*config->aliases[0].choices))) ||
        !(config->aliases[0].name = strdup("net")))
        abort();
    config->n_aliases = 1;
    config->aliases[0].types = 1u << VFA_TYPE_VF;
    config->aliases[0].n_choices = 1;
    config->aliases[0].choices[0] =
        (struct vfa_alias_choice){.vendor = 0x8086, .product = 0x10ca, .class = -1};
    strcpy(config->digest, "0123456789abcdef");
    return config;
}

/* The next free device over all pools. */
static int next(struct vfa_state *state, const char *after, char *buf)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};

    if (vfa_state_pools(state, "net", &pools, NULL) < 0)
        return -1;
    for (size_t i = 0; i < pools.n; i++) {
        VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
        int r = vfa_state_next_free(state, pools.items[i].id, false, after, &dev, NULL);

        if (r == 0)
            strcpy(buf, dev.id);
        if (r != VFA_STATE_END)
            return r;
    }
    return VFA_STATE_END;
}

static void test_index(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = make_config();
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    struct vfa_device devices[] = {
        {.id = "0000:01:00.0",
         .addr = {0, 1, 0, 0},
         .type = VFA_TYPE_PF,
         .vendor = 0x8086,
         .product = 0x10c9},
        vf(1, 16),
        vf(1, 17),
        vf(2, 16),
    };
    const struct vfa_inventory inv = {.devices = devices, .n = ARRAY_SIZE(devices)};
    const struct vfa_inventory none = {.n = 0};
    char got[VFA_DEVICE_ID_SIZE] = "";
    unsigned total = 9, available = 9;
    bool fresh = true;

    start_anew();
    state = open_state();
    CHECK(vfa_state_index_fresh(state, config, &fresh, NULL) == 0 && !fresh, "no index");
    CHECK(vfa_state_index_replace(state, config, &inv, NULL) == 0, "replace");
    CHECK(vfa_state_index_fresh(state, config, &fresh, NULL) == 0 && fresh, "fresh");
    CHECK(next(state, "", got) == 0 && strcmp(got, "0000:01:10.0") == 0, "%s", got);
    CHECK(next(state, devices[1].id, got) == 0 && strcmp(got, "0000:01:11.0") == 0, "%s", got);
    claim(state, "0000:01:10.0", PF, UUID_A, "n-0");
    CHECK(next(state, "", got) == 0 && strcmp(got, "0000:01:11.0") == 0, "%s", got);
    CHECK(vfa_state_index_replace(state, config, &inv, NULL) == 0, "replace while claimed");
    CHECK(next(state, "", got) == 0 && strcmp(got, "0000:01:11.0") == 0, "%s", got);
    CHECK(vfa_state_count(state, "net", &total, &available, NULL) == 0 && total == 3 &&
              available == 2,
          "%u %u", total, available);
    claim(state, "0000:02:00.0", NULL, UUID_B, "n-0"); /* a claim on a PF excludes its VFs */
    CHECK(vfa_state_count(state, "net", &total, &available, NULL) == 0 && available == 1, "%u",
          available);
    vfa_state_release(state, UUID_B, NULL, NULL, NULL);
    vfa_state_release(state, UUID_A, NULL, NULL, NULL);
    CHECK(vfa_state_count(state, "net", &total, &available, NULL) == 0 && available == 3, "%u",
          available);
    CHECK(vfa_state_index_replace(state, config, &none, NULL) == 0, "all gone");
    CHECK(next(state, "", got) == VFA_STATE_END, "end");
    strcpy(config->digest, "fedcba9876543210");
    CHECK(vfa_state_index_fresh(state, config, &fresh, NULL) == 0 && !fresh, "other configuration");
}

static void test_pools(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = make_config();
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};
    VFA_AUTO(vfa_pools_clear) struct vfa_pools after = {NULL, 0};
    struct vfa_member last = {.pool = 0};
    struct vfa_device devices[] = {vf(1, 16), vf(1, 17), vf(2, 16), vf(2, 17)};
    const struct vfa_inventory inv = {.devices = devices, .n = ARRAY_SIZE(devices)};

    devices[3].numa_node = 1;
    start_anew();
    state = open_state();
    CHECK(vfa_state_index_replace(state, config, &inv, NULL) == 0, "replace");
    CHECK(vfa_state_pools(state, "net", &pools, NULL) == 0 && pools.n == 3, "%zu", pools.n);
    CHECK(pools.items[0].free == 2 && pools.items[0].used == 0, "%u", pools.items[0].free);
    CHECK(pools.items[2].numa_node == 1 && pools.items[2].spec == -1, "%d", pools.items[2].spec);
    claim(state, "0000:01:11.0", PF, UUID_A, "n-0");
    claim(state, "0000:02:10.0", "0000:02:00.0", UUID_B, "n-0");
    CHECK(vfa_state_pools(state, "net", &after, NULL) == 0 && after.n == 2, "%zu", after.n);
    CHECK(after.items[0].free == 1 && after.items[0].used == 1, "%u", after.items[0].used);
    CHECK(vfa_state_last(state, "net", UUID_A, "n-0", &last, NULL) == VFA_STATE_ABSENT, "held");
    vfa_state_release(state, UUID_A, NULL, NULL, NULL);
    CHECK(vfa_state_last(state, "net", UUID_A, "n-0", &last, NULL) == 0, "last");
    CHECK(strcmp(last.device.id, devices[1].id) == 0 && last.pool == pools.items[0].id, "%d",
          (int)last.pool);
    CHECK(vfa_state_last(state, "net", UUID_A, "n-1", &last, NULL) == VFA_STATE_ABSENT, "other");
}

static int claim_in_group(struct vfa_state *state, const char *device, int group, const char *uuid,
                          const char *request)
{
    const struct vfa_claim c = {.device = (char *)device,
                                .keys = made_keys(device, NULL, group),
                                .kind = (char *)"pci",
                                .uuid = (char *)uuid,
                                .domain = (char *)"x",
                                .request = (char *)request,
                                .state = VFA_CLAIM_CLAIMED};

    return vfa_state_claim(state, &c, NULL);
}

static void test_iommu_group(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};

    start_anew();
    state = open_state();
    CHECK(claim_in_group(state, "0000:05:00.0", 7, UUID_A, "gpu") == 0, "first");
    CHECK(claim_in_group(state, "0000:05:00.1", 7, UUID_B, "gpu") == VFA_STATE_TAKEN, "another's");
    CHECK(claim_in_group(state, "0000:05:00.1", 7, UUID_A, "audio") == 0, "the same domain's");
    CHECK(claim_in_group(state, "0000:06:00.0", -1, UUID_A, "x") == 0, "no group");
    CHECK(claim_in_group(state, "0000:06:00.1", -1, UUID_B, "x") == 0, "no group is none to share");
    CHECK(vfa_state_holder(state, made_keys("0000:05:00.2", NULL, 7), UUID_B, &holder, NULL) == 0,
          "holder");
    CHECK(strcmp(holder.uuid, UUID_A) == 0, "%s", holder.uuid);
}

static void test_quarantine(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine all = {NULL, 0};
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine none = {NULL, 0};

    start_anew();
    state = open_state();
    CHECK(vfa_state_quarantine(state, VF0, VFA_QUARANTINE_OTHER, "does not reset", NULL) == 0,
          "in");
    CHECK(vfa_state_quarantined(state, VF0, &all, NULL) == 0 && all.n == 1, "%zu", all.n);
    CHECK(strcmp(all.items[0].reason, "does not reset") == 0, "%s", all.items[0].reason);
    CHECK(vfa_state_end_quarantine(state, VF0, NULL) == 0, "out");
    CHECK(vfa_state_end_quarantine(state, VF0, NULL) == VFA_STATE_ABSENT, "twice");
    CHECK(vfa_state_quarantined(state, NULL, &none, NULL) == 0 && none.n == 0, "%zu", none.n);
}

/* Only an administrator replaces the reason of an administrator. */
static void test_quarantine_twice(void)
{
    static const struct {
        const char *first; /* NULL: by hand */
        bool again;        /* by hand */
        const char *stays;
    } cases[] = {
        {NULL, false, "by hand"},
        {NULL, true, "by hand again"},
        {"program", false, "later"},
        {"program", true, "by hand again"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
        VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine all = {NULL, 0};
        bool program = cases[i].first != NULL, again = cases[i].again;
        int r;

        start_anew();
        state = open_state();
        r = program ? vfa_state_quarantine(state, VF0, VFA_QUARANTINE_ONCE, cases[i].first, NULL)
                    : vfa_state_quarantine_by_hand(state, VF0, "by hand", NULL);
        CHECK(r == 0, "%zu: first", i);
        r = again ? vfa_state_quarantine_by_hand(state, VF0, "by hand again", NULL)
                  : vfa_state_quarantine(state, VF0, VFA_QUARANTINE_SETTINGS, "later", NULL);
        CHECK(r == 0, "%zu: second", i);
        CHECK(vfa_state_quarantined(state, VF0, &all, NULL) == 0 && all.n == 1 &&
                  strcmp(all.items[0].reason, cases[i].stays) == 0 &&
                  (all.items[0].cause == VFA_QUARANTINE_OTHER) == (again || !program),
              "%zu: %s", i, all.n ? all.items[0].reason : "none");
    }
}

static struct vfa_hold hold_of(struct vfa_state *state, const char *uuid)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};

    CHECK(vfa_state_holds(state, uuid, &holds, NULL) == 0 && holds.n <= 1, "%zu", holds.n);
    return holds.n ? holds.items[0] : (struct vfa_hold){0};
}

static void test_hold(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds all = {NULL, 0};
    struct vfa_hold seen, first;

    start_anew();
    state = open_state();
    CHECK(vfa_state_want_hold(state, UUID_A, NULL) == 0, "want");
    CHECK(vfa_state_want_hold(state, UUID_B, NULL) == 0, "want another");
    first = seen = hold_of(state, UUID_A);
    CHECK(seen.id != 0 && !seen.held && strcmp(seen.uuid, UUID_A) == 0, "%s", seen.uuid);
    CHECK(vfa_state_begin_hold(state, &seen, NULL) == 0 && seen.held, "begin");
    CHECK(vfa_state_begin_hold(state, &seen, NULL) == 0 && seen.held, "begin once more");
    CHECK(vfa_state_begin_hold(state, &first, NULL) == VFA_STATE_ABSENT, "somebody was first");
    CHECK(vfa_state_end_hold(state, &first, NULL) == 0 && hold_of(state, UUID_A).held,
          "what changed is not dropped");
    CHECK(vfa_state_want_hold(state, UUID_A, NULL) == 0, "started again");
    CHECK(hold_of(state, UUID_A).id > seen.id && !hold_of(state, UUID_A).held, "another start");
    CHECK(vfa_state_begin_hold(state, &seen, NULL) == VFA_STATE_ABSENT, "no longer there");
    CHECK(vfa_state_end_hold(state, &seen, NULL) == 0, "none to drop");
    CHECK(vfa_state_release(state, UUID_A, NULL, NULL, NULL) == 0 && hold_of(state, UUID_A).id,
          "dropped claims leave a guest that waits");
    CHECK(vfa_state_forget_hold(state, UUID_A, NULL) == 0 && !hold_of(state, UUID_A).id, "forget");
    CHECK(vfa_state_holds(state, NULL, &all, NULL) == 0 && all.n == 1, "%zu", all.n);
}

/* ---- the file ---- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "we");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static void test_damage(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    char aside[128];

    write_file(path, "this is no database, and it is long enough to be taken for one: ..........."
                     "......................................................................");
    state = open_state();
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    CHECK(access(aside, F_OK) == 0, "set aside");
    CHECK(claim(state, VF0, PF, UUID_A, "n-0") == 0, "works again");
    unlink(aside);
}

static void test_modes(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct stat st;

    start_anew();
    CHECK(vfa_state_open(path, run, VFA_STATE_READ, &state, NULL) == VFA_STATE_ABSENT, "absent");
    CHECK(access(path, F_OK) < 0, "not made by reading");
    vfa_state_close(open_state());
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640, "%o", st.st_mode & 0777);
    CHECK(vfa_state_open(path, run, VFA_STATE_READ, &state, NULL) == 0, "read");
    CHECK(claim(state, VF0, PF, UUID_A, "n-0") < 0, "no writing");
    state = vfa_state_close(state);
    CHECK(vfa_state_open(folder, run, VFA_STATE_WRITE, &state, &err) < 0, "a folder is no file");
}

#define CANNOT_COUNT 100

/* This program, run as `test-state COUNT_CLAIMS FILE`, exits with the number of claims. */
#define COUNT_CLAIMS "count-claims"
static int count_only(const char *file)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(file, "/nonexistent", VFA_STATE_READ, &state, NULL);

    if (r == 0)
        r = vfa_state_claims(state, NULL, &claims, NULL);
    return r == 0 ? (int)claims.n : CANNOT_COUNT;
}

/* Counts in another program, because SQLite remembers its locks over a fork. /proc/self/exe would
 * be valgrind if valgrind runs this program. */
static const char *program;
static int count_elsewhere(void)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        execl(program, program, COUNT_CLAIMS, path, NULL);
        _exit(CANNOT_COUNT);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Threads of vfaliasd open and close the state while other threads have a transaction open. */
static void test_opened_twice_in_a_process(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *first = NULL;

    start_anew();
    first = open_state();
    CHECK(vfa_state_begin(first, NULL) == 0 && claim(first, VF0, PF, UUID_A, "n-0") == 0, "claim");
    CHECK(count_elsewhere() == 0, "not committed");
    vfa_state_close(open_state());
    CHECK(count_elsewhere() == 0, "the lock is still held");
    CHECK(vfa_state_commit(first, NULL) == 0, "commit");
    CHECK(count_elsewhere() == 1, "committed");
}

static void test_symlink(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_state *state = NULL;
    struct stat st;
    char target[128];

    start_anew();
    snprintf(target, sizeof(target), "%s/elsewhere", folder);
    CHECK(symlink(target, path) == 0, "symlink");
    CHECK(vfa_state_open(path, run, VFA_STATE_WRITE, &state, &err) == -ELOOP, "not followed");
    CHECK(lstat(target, &st) < 0, "nothing made");
}

static void test_synced(void)
{
    char file[128];
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    bool synced = false;

    start_anew();
    state = open_state();
    CHECK(vfa_state_synced(state, &synced, NULL) == 0 && synced, "no domain runs");
    state = vfa_state_close(state);
    start_anew();
    mkdir(run, 0755);
    snprintf(file, sizeof(file), "%s/guest.xml", run);
    write_file(file, "<domstatus/>");
    state = open_state();
    CHECK(vfa_state_synced(state, &synced, NULL) == 0 && !synced, "lost while domains run");
    CHECK(vfa_state_set_synced(state, NULL) == 0, "set");
    CHECK(vfa_state_synced(state, &synced, NULL) == 0 && synced, "rebuilt");
    unlink(file);
    rmdir(run);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], COUNT_CLAIMS) == 0)
        return count_only(argv[2]);
    program = argv[0];
    strcpy(folder, "/tmp/vfalias-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    snprintf(run, sizeof(run), "%s/run", folder);
    test_rules();
    test_release();
    test_notes();
    test_transaction();
    test_contention();
    test_index();
    test_pools();
    test_iommu_group();
    test_quarantine();
    test_quarantine_twice();
    test_hold();
    test_damage();
    test_modes();
    test_opened_twice_in_a_process();
    test_symlink();
    test_synced();
    start_anew();
    snprintf(run, sizeof(run), "%s/state.repair", folder);
    unlink(run);
    rmdir(folder);
    return check_result();
}
