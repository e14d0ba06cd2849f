/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a claim in the state file: releasing, cleaning, deleted; and what the schema forbids
 * meanwhile. */

#include "base/common.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/drop.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/saved.h"
#include "state/state.h"
#include "check.h"
#include "made-keys.h"

#include <unistd.h>

#define UUID_A "aaaaaaaa-0000-0000-0000-000000000000"
#define UUID_B "bbbbbbbb-0000-0000-0000-000000000000"
#define PF     "0000:01:00.0"
#define VF0    "0000:01:10.0"
#define VF1    "0000:01:10.2"
#define OTHER  "0000:02:00.0"
#define GROUP  7

static char folder[64], path[96];

static struct vfa_state *open_new(void)
{
    struct vfa_state *state = NULL;

    unlink(path);
    if (vfa_state_open(path, folder, VFA_STATE_WRITE, &state, NULL) != 0)
        exit(1);
    return state;
}

static int claim(struct vfa_state *state, const char *device, const char *uuid, const char *request,
                 enum vfa_claim_state claim_state)
{
    bool vf = strcmp(device, VF0) == 0 || strcmp(device, VF1) == 0;
    const struct vfa_claim c = {
        .device = (char *)device,
        .keys = made_keys(device, (vf ? PF : NULL),
                          strcmp(device, VF0) == 0 || strcmp(device, OTHER) == 0 ? GROUP : -1),
        .kind = (char *)"pci",
        .uuid = (char *)uuid,
        .domain = (char *)(uuid[0] == 'a' ? "a" : "b"),
        .request = (char *)request,
        .alias = (char *)"net",
        .since = 100,
        .state = claim_state};

    return vfa_state_claim(state, &c, NULL);
}

static int64_t counter(struct vfa_state *state, enum vfa_counter which)
{
    int64_t value = -1;

    CHECK(vfa_state_counter(state, which, &value, NULL) == 0, "counter");
    return value;
}

static struct vfa_claims claims_of(struct vfa_state *state, const char *uuid)
{
    struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_claims(state, uuid, &claims, NULL) == 0, "claims");
    return claims;
}

/* The claims that are releasing or cleaning; checks that there are n. */
static struct vfa_claims ending_of(struct vfa_state *state, size_t n)
{
    struct vfa_claims ending = {NULL, 0};

    CHECK(vfa_state_ending(state, &ending, NULL) == 0 && ending.n == n, "%zu", ending.n);
    if (ending.n != n)
        exit(1);
    return ending;
}

/* A state in which A's claim on VF0 is releasing. */
static struct vfa_state *open_releasing(void)
{
    struct vfa_state *state = open_new();
    VFA_AUTO(vfa_claims_clear) struct vfa_claims held = {NULL, 0};

    CHECK(claim(state, VF0, UUID_A, "n-0", VFA_CLAIM_ACTIVE) == 0, "claim");
    held = claims_of(state, UUID_A);
    CHECK(held.n == 1 && vfa_state_begin_release(state, &held.items[0], "it stopped", NULL) == 0,
          "begin");
    CHECK(held.n == 1 && vfa_state_begin_release(state, &held.items[0], "it stopped", NULL) ==
                             VFA_STATE_ABSENT,
          "once");
    return state;
}

static void save(struct vfa_state *state, const char *device)
{
    struct vfa_saved saved = {.up = VFA_SAVED_YES};

    snprintf(saved.device, sizeof(saved.device), "%s", device);
    CHECK(vfa_state_save(state, &saved, NULL) == 0, "save");
}

static void test_steps(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_releasing();
    VFA_AUTO(vfa_claims_clear) struct vfa_claims held = claims_of(state, NULL);
    VFA_AUTO(vfa_claims_clear) struct vfa_claims releasing = ending_of(state, 1);
    VFA_AUTO(vfa_claims_clear) struct vfa_claims all = {NULL, 0}, cleaning = {NULL, 0};
    const struct vfa_claim *c = &releasing.items[0];

    CHECK(held.n == 0, "the domain has lost it");
    CHECK(c->state == VFA_CLAIM_RELEASING && strcmp(c->why, "it stopped") == 0 && c->since == 100 &&
              c->state_since > 100,
          "%s", vfa_claim_state_name(c->state));
    CHECK(counter(state, VFA_COUNTER_ENDED) == 1 && counter(state, VFA_COUNTER_FREED) == 0,
          "lost, not free");
    CHECK(vfa_state_set_release_error(state, c, "try again", NULL) == 0, "error");
    CHECK(vfa_state_all_claims(state, UUID_A, &all, NULL) == 0 && all.n == 1 &&
              all.items[0].attempts == 1 && strcmp(all.items[0].error, "try again") == 0,
          "noted");
    CHECK(vfa_state_begin_cleaning(state, c, NULL) == 0, "cleaning");
    CHECK(vfa_state_end_release(state, c, NULL) == VFA_STATE_ABSENT, "it is another by now");
    cleaning = ending_of(state, 1);
    CHECK(cleaning.items[0].state == VFA_CLAIM_CLEANING && cleaning.items[0].attempts == 0, "new");
    CHECK(vfa_state_end_release(state, &cleaning.items[0], NULL) == 0, "end");
    CHECK(counter(state, VFA_COUNTER_ENDED) == 1 && counter(state, VFA_COUNTER_FREED) == 1,
          "free, and lost once");
}

/* New claims while A's claim on VF0 (IOMMU group 7) is releasing. */
static const struct {
    const char *label, *device, *uuid, *request;
    enum vfa_claim_state state;
    int result;
} claims[] = {
    {"the request's name is free", VF1, UUID_A, "n-0", VFA_CLAIM_CLAIMED, 0},
    {"the device is not", VF0, UUID_B, "n-0", VFA_CLAIM_CLAIMED, VFA_STATE_TAKEN},
    {"nor for the same domain", VF0, UUID_A, "n-0", VFA_CLAIM_CLAIMED, VFA_STATE_TAKEN},
    {"its PF", PF, UUID_B, "n-0", VFA_CLAIM_CLAIMED, VFA_STATE_TAKEN},
    {"its group", OTHER, UUID_B, "n-0", VFA_CLAIM_CLAIMED, VFA_STATE_TAKEN},
    {"its group, the same domain", OTHER, UUID_A, "n-0", VFA_CLAIM_INCOMING, VFA_STATE_TAKEN},
    {"its PF, in a running domain", PF, UUID_B, "n-0", VFA_CLAIM_ACTIVE, 0},
    {"its group, in a running domain", OTHER, UUID_B, "n-0", VFA_CLAIM_ACTIVE, 0},
};

static void test_claims(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_releasing();
        int r = claim(state, claims[i].device, claims[i].uuid, claims[i].request, claims[i].state);

        CHECK(r == claims[i].result, "%s: %d", claims[i].label, r);
    }
}

/* Functions for held claims do not change a releasing claim. */
static void test_left_alone(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_releasing();
    VFA_AUTO(vfa_claims_clear) struct vfa_claims before = ending_of(state, 1);
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    size_t n = 9;

    CHECK(vfa_state_set_claim_state(state, UUID_A, "n-0", VFA_CLAIM_ACTIVE, NULL) == 0, "state");
    CHECK(vfa_state_set_claim_error(state, UUID_A, "n-0", "x", NULL) == 0, "error");
    CHECK(vfa_state_release(state, UUID_A, NULL, &n, NULL) == 0 && n == 0, "%zu", n);
    CHECK(vfa_state_set_release_error(state, &before.items[0], NULL, NULL) == 0, "the same");
    CHECK(vfa_state_holder(state, made_keys(OTHER, NULL, GROUP), UUID_A, &holder, NULL) == 0 &&
              strcmp(holder.device, VF0) == 0,
          "in the way of its last domain, too");
}

/* A device with saved settings is not freed, and not cleaned. */
static void test_saved(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_releasing();
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = ending_of(state, 1);
    const struct vfa_claim *c = &ending.items[0];

    save(state, VF0);
    CHECK(vfa_state_end_release(state, c, NULL) < 0, "not free");
    CHECK(vfa_state_begin_cleaning(state, c, NULL) < 0, "not to be cleaned");
    CHECK(vfa_state_quarantine(state, VF0, VFA_QUARANTINE_SETTINGS, "EBUSY", NULL) == 0, "in");
    CHECK(vfa_state_end_release(state, c, NULL) == 0, "nobody gets it from there");
    CHECK(vfa_state_end_quarantine(state, VF0, NULL) < 0, "not as it was");
    CHECK(vfa_state_forget_saved(state, VF0, NULL) == 0, "put back");
    CHECK(vfa_state_end_quarantine(state, VF0, NULL) == 0, "out");
}

int main(void)
{
    strcpy(folder, "/tmp/vfalias-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    test_steps();
    test_claims();
    test_left_alone();
    test_saved();
    unlink(path);
    rmdir(folder);
    return check_result();
}
