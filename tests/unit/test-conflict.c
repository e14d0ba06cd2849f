/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conflicts of claims by their keys. Each pair of claims is judged three times: by the trigger of
 * the schema, by vfa_state_holder() and by vfa_held_keys_holder(). All three agree.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/keys.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/state.h"
#include "check.h"
#include "made-keys.h"

#include <string.h>

#define UUID_A "aaaaaaaa-0000-0000-0000-000000000000"
#define UUID_B "bbbbbbbb-0000-0000-0000-000000000000"

static char folder[64], path[96];

/* ---- the keys of devices ---- */

static const struct {
    const char *label, *id, *pf;
    int group;
    const char *keys;
} devices[] = {
    {"VF", "0000:02:10.0", "0000:02:00.0", 7, "X 0000:02:10.0,S family 0000:02:00.0,G iommu 7,"},
    {"VF without group", "0000:02:10.0", "0000:02:00.0", -1,
     "X 0000:02:10.0,S family 0000:02:00.0,"},
    {"PF", "0000:02:00.0", NULL, 0, "X 0000:02:00.0,X family 0000:02:00.0,G iommu 0,"},
    {"VMD", "10000:02:00.0", NULL, -1, "X 10000:02:00.0,X family 10000:02:00.0,"},
};

static void test_keys(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        const struct vfa_keys *keys = made_keys(devices[i].id, devices[i].pf, devices[i].group);
        char text[512] = "", *end = text;

        for (size_t k = 0; k < keys->n; k++)
            end += sprintf(end, "%c %s,", keys->items[k].mode, keys->items[k].text);
        CHECK(strcmp(text, devices[i].keys) == 0, "%s: %s", devices[i].label, text);
    }
}

static void test_relation(void)
{
    CHECK(vfa_key_relation("0000:02:10.0", "0000:02:10.0") == VFA_KEY_SELF, "self");
    CHECK(vfa_key_relation("family 0000:02:00.0", "0000:02:10.0") == VFA_KEY_FAMILY, "family");
    CHECK(vfa_key_relation("iommu 7", "0000:02:10.0") == VFA_KEY_GROUP, "group");
}

/* ---- pairs ---- */

/* "X a,S b" */
static struct vfa_keys parse_keys(const char *text)
{
    struct vfa_keys keys = {.n = 0};

    for (const char *p = text; *p; keys.n++) {
        size_t len = strcspn(p + 2, ",");

        keys.items[keys.n].mode = *p;
        snprintf(keys.items[keys.n].text, sizeof(keys.items[keys.n].text), "%.*s", (int)len, p + 2);
        p += 2 + len + (p[2 + len] == ',');
    }
    return keys;
}

static const struct {
    const char *first, *second;
    bool same_domain, active; /* of the second claim */
    const char *key;          /* in conflict; NULL: none */
} pairs[] = {
    {"X a", "X b", false, false, NULL},
    {"X a,X k", "X b,X k", false, false, "k"},
    {"X a,X k", "X b,X k", true, false, "k"},
    {"X a,X k", "X b,S k", false, false, "k"},
    {"X a,S k", "X b,X k", false, false, "k"},
    {"X a,S k", "X b,S k", false, false, NULL},
    {"X a,G k", "X b,G k", false, false, "k"},
    {"X a,G k", "X b,G k", true, false, NULL},
    {"X a,X k", "X b,X k", false, true, "k"},
    {"X a,G k", "X b,G k", false, true, "k"},
    /* several: the device itself, then the others */
    {"X a,S k,G g", "X b,S k,G g", false, false, "g"},
    {"X a,S k,G g", "X b,X k,G h", true, false, "k"},
    {"X a,S k", "X b,S a", false, false, "a"},
};

static struct vfa_state *open_state(void)
{
    struct vfa_state *state = NULL;

    unlink(path);
    if (vfa_state_open(path, folder, VFA_STATE_WRITE, &state, NULL) != 0)
        exit(1);
    return state;
}

static int claim(struct vfa_state *state, const struct vfa_keys *keys, const char *uuid,
                 enum vfa_claim_state claim_state)
{
    const struct vfa_claim c = {.device = (char *)keys->items[0].text,
                                .keys = keys,
                                .kind = (char *)"pci",
                                .uuid = (char *)uuid,
                                .domain = (char *)"d",
                                .request = (char *)keys->items[0].text,
                                .state = claim_state};

    return vfa_state_claim(state, &c, NULL);
}

static void check_list(struct vfa_state *state, size_t i, const struct vfa_keys *keys,
                       const char *uuid, const char *want)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_held_keys_clear) struct vfa_held_keys held = {NULL, 0};
    const struct vfa_held_key *found;

    CHECK(vfa_state_all_claims(state, NULL, &claims, NULL) == 0, "%zu", i);
    CHECK(vfa_state_held_keys(state, &claims, &held, NULL) == 0, "%zu", i);
    found = vfa_held_keys_holder(&held, keys, uuid);
    CHECK(!found == !want, "%zu: %s", i, found ? found->text : "none");
    CHECK(!found || !want || strcmp(found->text, want) == 0, "%zu: %s", i, found->text);
}

static void check_holder(struct vfa_state *state, size_t i, const struct vfa_keys *keys,
                         const char *uuid, const char *want)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    int r = vfa_state_holder(state, keys, uuid, &holder, NULL);

    CHECK(r == (want ? 0 : VFA_STATE_ABSENT), "%zu: %d", i, r);
    CHECK(!want || (holder.key && strcmp(holder.key, want) == 0), "%zu: %s", i, holder.key);
    check_list(state, i, keys, uuid, want);
}

static void test_pairs(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
        const struct vfa_keys first = parse_keys(pairs[i].first);
        const struct vfa_keys second = parse_keys(pairs[i].second);
        const char *uuid = pairs[i].same_domain ? UUID_A : UUID_B;
        int r;

        CHECK(claim(state, &first, UUID_A, VFA_CLAIM_ACTIVE) == 0, "%zu", i);
        check_holder(state, i, &second, uuid, pairs[i].key);
        r = claim(state, &second, uuid, pairs[i].active ? VFA_CLAIM_ACTIVE : VFA_CLAIM_CLAIMED);
        CHECK(r == (pairs[i].key ? VFA_STATE_TAKEN : 0), "%zu: %d", i, r);
    }
}

/* What no domain has excludes all but what a running domain turns out to have. */
static void test_ending(void)
{
    static const struct {
        const char *first, *second;
        enum vfa_claim_state state;
        int result;
    } cases[] = {
        {"X a,G g", "X b,G g", VFA_CLAIM_CLAIMED, VFA_STATE_TAKEN},
        {"X a,G g", "X b,G g", VFA_CLAIM_ACTIVE, 0},
        {"X a,X k", "X b,S k", VFA_CLAIM_CLAIMED, VFA_STATE_TAKEN},
        {"X a,X k", "X b,S k", VFA_CLAIM_ACTIVE, 0},
        {"X a", "X a", VFA_CLAIM_ACTIVE, VFA_STATE_TAKEN}, /* vfa_state_unseat() comes first */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
        const struct vfa_keys first = parse_keys(cases[i].first);
        const struct vfa_keys second = parse_keys(cases[i].second);
        int r;

        CHECK(claim(state, &first, UUID_A, VFA_CLAIM_RELEASING) == 0, "%zu", i);
        r = claim(state, &second, UUID_A, cases[i].state);
        CHECK(r == cases[i].result, "%zu: %d", i, r);
    }
}

/* The claim on the device itself tells more than one that it only conflicts with. */
static void test_first_holder(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
    const struct vfa_keys pf = parse_keys("X p,X family p"), vf = parse_keys("X v,S family p");

    CHECK(claim(state, &vf, UUID_A, VFA_CLAIM_ACTIVE) == 0, "VF");
    check_holder(state, 0, &vf, UUID_B, "v");
    check_holder(state, 1, &pf, UUID_B, "family p");
}

int main(void)
{
    strcpy(folder, "/tmp/vfalias-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    test_keys();
    test_relation();
    test_pairs();
    test_ending();
    test_first_holder();
    unlink(path);
    rmdir(folder);
    return check_result();
}
