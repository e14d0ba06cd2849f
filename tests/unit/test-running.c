/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Claims of running domains, on a fake tree with one PF and four VFs: what they request later, and
 * which devices their XML has.
 */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/meta.h"
#include "host/host.h"
#include "claim/claim.h"
#include "claim/hotplug.h"
#include "claim/reassert.h"
#include "made-host.h"
#include "made-keys.h"

#define WANTS DOM(META(ASKS), "")

/* After the loss of the state file, no domain has a claim in it. */
static void test_file_lost(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    const struct vfa_domain *domain = parse(WANTS);
    struct vfa_host host;
    char file[128];

    made_file("other.xml", "<domstatus/>");
    host = open_host(true);
    CHECK(vfa_hotplug_request(&host, domain, &domain->requests[0], &claim, &err) ==
                  VFA_CLAIM_TRY_AGAIN &&
              check_has(&err, "domain 'd': the state file was lost"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_hotplug_late(&host, domain, &domain->requests[0], &claim, NULL) ==
              VFA_CLAIM_TRY_AGAIN,
          "late");
    CHECK(vfa_state_claims(host.state, NULL, &claims, NULL) == 0 && claims.n == 0, "claims");
    CHECK(vfa_state_set_synced(host.state, NULL) == 0, "synced");
    CHECK(vfa_hotplug_request(&host, domain, &domain->requests[0], &claim, NULL) == 0 &&
              strcmp(claim.device, vf(0)) == 0,
          "rebuilt");
    vfa_host_clear(&host);
    snprintf(file, sizeof(file), "%s/other.xml", made_root);
    unlink(file);
}

/* ---- which devices the XML has ---- */

#define HAS DOM(META(ASKS), HOSTDEV("net-0", "0x10", "0"))

enum meanwhile {
    NOTHING,
    ENDED,       /* the domain's claim has ended */
    OTHER_START, /* likewise, and another domain has claimed the device */
    OWN_START,   /* likewise, and the domain has claimed another device */
    SAME_START,  /* likewise, and the domain has claimed the same device */
    OTHERS_END,  /* another domain's claim has ended */
    NEW_FILE,    /* the state file was lost */
};

static const struct {
    const char *label;
    bool had;    /* the domain had its claim when the XML was read */
    bool others; /* otherwise another domain had the claim */
    enum meanwhile meanwhile;
    int result;
    const char *after; /* each claim: the VF, "d" or "o" for its owner, "!" if active */
} reads[] = {
    {"as it was", true, false, NOTHING, 0, "0d! 3o! "},
    {"no claim yet", false, false, NOTHING, 0, "0d! 3o! "},
    {"somebody else's is wrong", false, true, NOTHING, 0, "0d! 3o! "},
    {"it has stopped", true, false, ENDED, VFA_CLAIM_TRY_AGAIN, "3o! "},
    {"it has stopped, and another domain has the device", true, false, OTHER_START,
     VFA_CLAIM_TRY_AGAIN, "0o! 3o! "},
    {"it has started anew with another device", true, false, OWN_START, VFA_CLAIM_TRY_AGAIN,
     "1d 3o! "},
    {"it has started anew and waits for the same one", true, false, SAME_START, VFA_CLAIM_TRY_AGAIN,
     "0d 3o! "},
    {"what others do is no matter", true, false, OTHERS_END, 0, "0d! "},
    {"unless something is to be written", false, true, OTHERS_END, VFA_CLAIM_TRY_AGAIN, "0o! "},
    {"another file", true, false, NEW_FILE, VFA_CLAIM_TRY_AGAIN, ""},
};

static void claim_own(struct vfa_host *host, const char *device, enum vfa_claim_state state)
{
    const struct vfa_claim claim = {.device = (char *)device,
                                    .keys = made_keys(device, "0000:01:00.0", -1),
                                    .kind = (char *)"pci",
                                    .uuid = (char *)UUID,
                                    .domain = (char *)"d",
                                    .request = (char *)"net-0",
                                    .alias = (char *)"net",
                                    .state = state};

    CHECK(vfa_state_claim(host->state, &claim, NULL) == 0, "%s", device);
}

static void happen(struct vfa_host *host, enum meanwhile meanwhile)
{
    if (meanwhile == NEW_FILE) {
        vfa_host_clear(host);
        *host = open_host(true);
    }
    if (meanwhile == OTHERS_END)
        CHECK(vfa_state_release(host->state, OTHER, vf(3), NULL, NULL) == 0, "other's end");
    if (meanwhile >= ENDED && meanwhile <= SAME_START)
        CHECK(vfa_state_release(host->state, UUID, NULL, NULL, NULL) == 0, "end");
    if (meanwhile == OTHER_START)
        claim_for_other(host, vf(0));
    if (meanwhile == OWN_START || meanwhile == SAME_START)
        claim_own(host, vf(meanwhile == OWN_START), VFA_CLAIM_CLAIMED);
}

static const char *describe(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    static char buf[64];
    size_t len = 0;

    buf[0] = '\0';
    CHECK(vfa_state_claims(host->state, NULL, &claims, NULL) == 0, "claims");
    for (int i = 0; i < VFS; i++) {
        for (size_t k = 0; k < claims.n; k++) {
            if (strcmp(claims.items[k].device, vf(i)) == 0)
                len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%d%c%s ", i,
                                        claims.items[k].domain[0],
                                        claims.items[k].state == VFA_CLAIM_ACTIVE ? "!" : "");
        }
    }
    return buf;
}

static void test_read(size_t i)
{
    struct vfa_host host = open_host(true);
    int64_t freed = 0;
    int r;

    claim_for_other(&host, vf(2));
    CHECK(vfa_state_release(host.state, OTHER, NULL, NULL, NULL) == 0, "of older times");
    claim_for_other(&host, vf(3));
    if (reads[i].had)
        claim_own(&host, vf(0), VFA_CLAIM_ACTIVE);
    if (reads[i].others)
        claim_for_other(&host, vf(0));
    CHECK(vfa_state_counter(host.state, VFA_COUNTER_ENDED, &freed, NULL) == 0, "counter");
    happen(&host, reads[i].meanwhile);
    r = vfa_reassert_read(&host, parse(HAS), freed, NULL);
    CHECK(r == reads[i].result, "%s: %d", reads[i].label, r);
    CHECK(strcmp(describe(&host), reads[i].after) == 0, "%s: %s", reads[i].label, describe(&host));
    vfa_host_clear(&host);
}

/* A claim that the function drops does not make the rest of the XML outdated. */
static void test_two_devices(void)
{
    struct vfa_host host = open_host(true);

    claim_for_other(&host, vf(0));
    claim_for_other(&host, vf(1));
    CHECK(vfa_reassert_read(
              &host, parse(DOM("", HOSTDEV("net-0", "0x10", "0") HOSTDEV("net-1", "0x10", "2"))), 0,
              NULL) == 0,
          "two");
    CHECK(strcmp(describe(&host), "0d! 1d! ") == 0, "%s", describe(&host));
    vfa_host_clear(&host);
}

int main(void)
{
    make_host();
    test_file_lost();
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
        test_read(i);
    test_two_devices();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
