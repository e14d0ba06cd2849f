/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of device_spec for the time between two owners (one_time_use, clean): when a device is
 * burned, when a claim waits for a cleaner, and how the waiting ends. */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/cleaning.h"
#include "claim/prepare.h"
#include "made-host.h"
#include "made-keys.h"

#include <errno.h>

#define ONE  DOM(META(ASKS), ROOT PORT(1))
#define OWN  DOM("", ROOT STATIC)
#define ONCE "used once by domain 'd'"

/* Writes a configuration: a device_spec with `keys` for the first VF, then `rest`, then a
 * device_spec for all devices. */
static void configure(const char *keys, const char *rest)
{
    FILE *f = fopen(config_path, "w");

    if (!f ||
        fprintf(f,
                "[pci]\n%s%s%s%s"
                "device_spec = {\"vendor_id\": \"8086\"}\n"
                "alias = {\"name\": \"net\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\","
                " \"device_type\": \"type-VF\"}\n"
                "[vfalias]\nstate = %s\nsysfs_root = %s\nlibvirt_run = %s\n",
                *keys ? "device_spec = {\"address\": \"0000:01:10.0\"" : "", keys,
                *keys ? "}\n" : "", rest, state_path, made_root, made_root) < 0 ||
        fclose(f) != 0)
        made_give_up(config_path);
    vfa_config_free(config);
    config = NULL;
    if (vfa_config_load(config_path, &config, NULL) < 0)
        made_give_up("configuration");
}

static const char *quarantine_of(struct vfa_host *host, const char *device)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    static char text[256];

    CHECK(vfa_state_quarantined(host->state, device, &list, NULL) == 0, "");
    snprintf(text, sizeof(text), "%s", list.n ? list.items[0].reason : "");
    return text;
}

static void check_quarantine(struct vfa_host *host, const char *device, const char *want)
{
    const char *is = quarantine_of(host, device);

    CHECK(strcmp(is, want) == 0, "'%s' not '%s'", is, want);
}

/* The running domain loses its only claim, on the first VF. *ret is this claim. */
static void lose(struct vfa_host *host, struct vfa_claim *ret)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims held = {NULL, 0};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};

    CHECK(vfa_state_claims(host->state, NULL, &held, NULL) == 0 && held.n == 1, "%zu", held.n);
    CHECK(vfa_state_begin_release(host->state, &held.items[0], "test", NULL) == 0, "");
    CHECK(vfa_state_ending(host->state, &ending, NULL) == 0 && ending.n == 1, "");
    if (ending.n != 1 || strcmp(ending.items[0].device, vf(0)) != 0)
        made_give_up("claim");
    *ret = ending.items[0];
    ending.items[0] = (struct vfa_claim){0};
}

/* A domain claims the first VF and loses the claim. */
static struct vfa_host open_lost(const char *keys, const char *xml, struct vfa_claim *ret)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host;

    configure(keys, "");
    host = open_host(true);
    CHECK(vfa_prepare_domain(&host, parse(xml), &err) == 0, "%s", vfa_error_text(&err));
    lose(&host, ret);
    return host;
}

static int find(struct vfa_host *host)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};

    return vfa_cleaning_find(host->state, vf(0), &claim, NULL);
}

static size_t ending(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_ending(host->state, &claims, NULL) == 0, "");
    return claims.n;
}

static const struct {
    const char *keys, *xml;
    bool cleans;
    const char *quarantine;
} cases[] = {
    {"", ONE, false, ""},
    {", \"clean\": \"c\"", ONE, true, ""},
    {", \"one_time_use\": true", ONE, false, ONCE},
    {", \"one_time_use\": true, \"clean\": \"c\"", ONE, true, ONCE},
    {", \"one_time_use\": false", ONE, false, ""},
    {"", OWN, false, ""},
    {", \"one_time_use\": true", OWN, false, ONCE},
    {", \"clean\": \"c\"", OWN, false,
     "domain 'd' had it without a request, and it was not cleaned: 'vfalias quarantine remove "
     "--clean 0000:01:10.0' does that"},
};

static void test_released(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
        VFA_AUTO(vfa_host_clear)
        struct vfa_host host = open_lost(cases[i].keys, cases[i].xml, &claim);

        CHECK(find(&host) == VFA_STATE_ABSENT, "not yet");
        CHECK(vfa_cleaning_released(&host, &claim, NULL) == 0, "%zu", i);
        CHECK(find(&host) == (cases[i].cleans ? 0 : VFA_STATE_ABSENT), "%zu", i);
        CHECK(ending(&host) == cases[i].cleans, "%zu", i);
        check_quarantine(&host, vf(0), cases[i].quarantine);
        CHECK(vfa_cleaning_released(&host, &claim, NULL) == VFA_STATE_ABSENT, "%zu twice", i);
    }
}

/* The claim on the first VF is in the state cleaning. *ret is this claim. */
static struct vfa_host open_cleaning(const char *keys, struct vfa_claim *ret)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim lost = {0};
    struct vfa_host host = open_lost(keys, ONE, &lost);

    CHECK(vfa_cleaning_released(&host, &lost, NULL) == 0, "");
    CHECK(vfa_cleaning_find(host.state, vf(0), ret, NULL) == 0 && strcmp(ret->cleaner, "c") == 0,
          "");
    return host;
}

static void test_done(void)
{
    static const char both[] = ", \"one_time_use\": true, \"clean\": \"c\"";

    for (int i = 0; i < 2; i++) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
        VFA_AUTO(vfa_host_clear) struct vfa_host host = open_cleaning(both, &claim);

        if (i == 1)
            CHECK(vfa_state_quarantine(host.state, vf(0), VFA_QUARANTINE_OTHER, "x", NULL) == 0,
                  "");
        CHECK(vfa_cleaning_done(host.state, &claim, NULL) == 0, "");
        check_quarantine(&host, vf(0), i == 1 ? "x" : "");
        CHECK(ending(&host) == 0, "");
        CHECK(vfa_cleaning_done(host.state, &claim, NULL) == VFA_STATE_ABSENT, "twice");
        CHECK(vfa_cleaning_failed(host.state, &claim, "late", NULL) == VFA_STATE_ABSENT, "");
        check_quarantine(&host, vf(0), i == 1 ? "x" : "");
    }
}

static void test_failed(bool again)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    VFA_AUTO(vfa_host_clear) struct vfa_host host = open_cleaning(", \"clean\": \"c\"", &claim);

    CHECK(vfa_cleaning_failed(host.state, &claim, "c is broken", NULL) == 0, "");
    check_quarantine(&host, vf(0), "c is broken");
    CHECK(find(&host) == VFA_STATE_ABSENT && ending(&host) == 1, "nobody runs it again");
    CHECK(vfa_cleaning_end_quarantine(&host, vf(0), again, false, NULL) == 0, "");
    check_quarantine(&host, vf(0), "");
    CHECK(find(&host) == (again ? 0 : VFA_STATE_ABSENT) && ending(&host) == again, "%d", again);
    CHECK(vfa_cleaning_end_quarantine(&host, vf(0), again, false, NULL) == VFA_STATE_ABSENT,
          "twice");
    CHECK(ending(&host) == again, "%d", again);
}

/* A device whose device_spec cannot be found now is cleaned by the recorded cleaner. A device that
 * no device_spec names any more is not cleaned. */
static void test_spec_that_changed(void)
{
    for (int i = 0; i < 2; i++) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
        VFA_AUTO(vfa_host_clear)
        struct vfa_host host = open_lost(", \"clean\": \"c\"", ONE, &claim);

        configure("", i == 0 ? "device_spec = {\"devname\": \"gone\", \"clean\": \"c\"}\n" : "");
        host.config = config;
        CHECK(vfa_cleaning_released(&host, &claim, NULL) == 0, "");
        CHECK(find(&host) == (i == 0 ? 0 : VFA_STATE_ABSENT), "%d", i);
    }
}

/* A claim without a domain, which kept a VF from all domains while VFs were removed, needs no
 * cleaner and does not burn the VF. */
static void test_nobody_had_it(void)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    const struct vfa_claim claim = {.device = (char *)vf(0),
                                    .keys = made_keys(vf(0), NULL, -1),
                                    .kind = (char *)"pci",
                                    .uuid = (char *)VFA_NO_UUID,
                                    .domain = (char *)"-",
                                    .request = (char *)"-",
                                    .state = VFA_CLAIM_RELEASING};

    configure(", \"clean\": \"c\", \"one_time_use\": 1", "");
    host = open_host(true);
    CHECK(vfa_state_claim(host.state, &claim, NULL) == 0, "");
    CHECK(vfa_state_ending(host.state, &ending, NULL) == 0 && ending.n == 1, "");
    CHECK(ending.n == 1 && vfa_cleaning_released(&host, &ending.items[0], NULL) == 0, "");
    CHECK(find(&host) == VFA_STATE_ABSENT, "");
    check_quarantine(&host, vf(0), "");
}

/* An administrator orders the cleaning of a device without a claim. The claim of the cleaning has
 * the UUID of the last owner. */
static void test_by_hand(void)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim lost = {0};
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    VFA_AUTO(vfa_host_clear)
    struct vfa_host host = open_lost(", \"clean\": \"c\", \"one_time_use\": 1", ONE, &lost);
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(vfa_cleaning_end_quarantine(&host, vf(0), true, false, &err) < 0 &&
              check_has(&err, "in use"),
          "%s", vfa_error_text(&err));
    vfa_error_clear(&err);
    check_quarantine(&host, vf(0), ONCE);
    CHECK(vfa_state_end_release(host.state, &lost, NULL) == 0, "");
    CHECK(vfa_cleaning_end_quarantine(&host, vf(0), true, false, NULL) == 0, "");
    CHECK(vfa_cleaning_find(host.state, vf(0), &claim, NULL) == 0, "");
    CHECK(claim.uuid && strcmp(claim.uuid, UUID) == 0 && strcmp(claim.cleaner, "c") == 0, "");
    CHECK(vfa_state_quarantine(host.state, vf(1), VFA_QUARANTINE_OTHER, "x", NULL) == 0, "");
    CHECK(vfa_cleaning_end_quarantine(&host, vf(1), true, false, &err) < 0 &&
              check_has(&err, "no device_spec names a cleaner"),
          "%s", vfa_error_text(&err));
    check_quarantine(&host, vf(1), "x");
    CHECK(vfa_cleaning_end_quarantine(&host, vf(1), false, false, NULL) == 0, "");
}

/* A device in quarantine is to be cleaned, and the cleaning cannot begin: another domain has a
 * device of its IOMMU group, or its PF. The device stays in quarantine. A device that a domain has
 * is cleaned when the domain loses it. */
static void test_owed(void)
{
    static const struct {
        const char *device;
        int group;
        bool ends;
    } others[] = {
        {"0000:01:10.2", 10, false}, {"0000:01:00.0", -1, false}, {"0000:01:10.0", 10, true}};

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
        const struct vfa_claim claim = {.device = (char *)others[i].device,
                                        .keys = made_keys(others[i].device, NULL, others[i].group),
                                        .kind = (char *)"pci",
                                        .uuid = (char *)OTHER,
                                        .domain = (char *)"other",
                                        .request = (char *)"net-0",
                                        .state = VFA_CLAIM_CLAIMED};
        int r;

        configure(", \"clean\": \"c\"", "");
        host = open_host(true);
        CHECK(vfa_state_quarantine(host.state, vf(0), VFA_QUARANTINE_SETTINGS, "x", NULL) == 0, "");
        CHECK(vfa_state_claim(host.state, &claim, NULL) == 0, "");
        r = vfa_cleaning_end_quarantine(&host, vf(0), false, true, &err);
        CHECK(r == (others[i].ends ? 0 : -EBUSY), "%s: %d", others[i].device, r);
        check_quarantine(&host, vf(0), others[i].ends ? "" : "x");
        CHECK(vfa_state_release(host.state, OTHER, NULL, NULL, NULL) == 0, "");
        if (!others[i].ends)
            CHECK(vfa_cleaning_end_quarantine(&host, vf(0), false, true, NULL) == 0 &&
                      find(&host) == 0,
                  "then it can");
    }
}

int main(void)
{
    make_host();
    test_released();
    test_done();
    test_failed(true);
    test_failed(false);
    test_spec_that_changed();
    test_nobody_had_it();
    test_by_hand();
    test_owed();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
