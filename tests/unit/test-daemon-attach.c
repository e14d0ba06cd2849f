/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last failed attempt to attach a device, and what happens to the domain meanwhile: only the
 * guest that the pass has read may be destroyed. Uses libvirt's test driver, inside this process,
 * and claims on a fake tree.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/failed.h"
#include "host/host.h"
#include "claim/unreleased.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "helpers/vfaliasd/attach.h"
#include "helpers/vfaliasd/backoff.h"
#include "helpers/vfaliasd/daemon.h"
#include "helpers/vfaliasd/pass.h"
#include "helpers/vfaliasd/plan.h"
#include "made-host.h"
#include "made-keys.h"

#include <libvirt/virterror.h>
#include <limits.h>

#define WANTS   DOM(META(ASKS), "")
#define REFUSED "no"

static virConnectPtr conn;
static virDomainPtr guest;
static char uuid[VIR_UUID_STRING_BUFLEN];

/* ---- replaces the rest of the daemon ---- */

int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *its_config,
                         struct vfa_host *ret, struct vfa_error *err)
{
    return vfa_unreleased_open_host(its_config, ret, err);
}

/* ---- what the user does meanwhile ---- */

enum meanwhile {
    NOTHING,
    STARTED_ANEW,      /* a new guest, with another claim */
    STARTED_IN_A_WINK, /* a new guest, with a claim that looks the same */
    ASKED_ANEW,        /* the request is tried again */
};

static const struct {
    const char *label;
    bool attach;       /* false: the claim was given up in an earlier pass */
    unsigned attempts; /* before the pass */
    enum meanwhile meanwhile;
    bool keep; /* on_attach_failure is "keep" */
    bool destroyed;
    unsigned after; /* attempts after the pass */
    unsigned again;
} cases[] = {
    {"the fourth failure", true, 3, NOTHING, false, false, 4, 8000},
    {"the last failure", true, 4, NOTHING, false, true, 5, UINT_MAX},
    {"the last failure, kept", true, 4, NOTHING, true, false, 5, UINT_MAX},
    {"started anew", true, 4, STARTED_ANEW, false, false, 0, VFA_REQUEUE_NOW},
    {"started anew in a wink", true, 4, STARTED_IN_A_WINK, false, false, 5, VFA_REQUEUE_NOW},
    {"given up", false, 5, NOTHING, false, true, 5, UINT_MAX},
    {"given up, kept", false, 5, NOTHING, true, false, 5, UINT_MAX},
    {"given up, and started anew", false, 5, STARTED_ANEW, false, false, 0, VFA_REQUEUE_NOW},
    {"given up, and started anew in a wink", false, 5, STARTED_IN_A_WINK, false, false, 5,
     VFA_REQUEUE_NOW},
    {"given up, and asked anew", false, 5, ASKED_ANEW, false, false, 0, VFA_REQUEUE_NOW},
};

static void claim(struct vfa_host *host, int64_t since, unsigned attempts)
{
    const struct vfa_claim claim = {.device = (char *)vf(0),
                                    .keys = made_keys(vf(0), "0000:01:00.0", -1),
                                    .kind = (char *)"pci",
                                    .uuid = uuid,
                                    .domain = (char *)"test",
                                    .request = (char *)"net-0",
                                    .alias = (char *)"net",
                                    .state = VFA_CLAIM_CLAIMED,
                                    .since = since};

    CHECK(vfa_state_release(host->state, uuid, NULL, NULL, NULL) == 0, "release");
    CHECK(vfa_state_claim(host->state, &claim, NULL) == 0, "claim");
    for (unsigned i = 0; i < attempts; i++)
        CHECK(vfa_state_set_claim_error(host->state, uuid, "net-0", REFUSED, NULL) == 0, "error");
}

static void happen(size_t i)
{
    struct vfa_host host = open_host(false);
    enum meanwhile meanwhile = cases[i].meanwhile;

    if (meanwhile == STARTED_ANEW || meanwhile == STARTED_IN_A_WINK)
        CHECK(virDomainDestroy(guest) == 0 && virDomainCreate(guest) == 0, "start");
    if (meanwhile == STARTED_ANEW)
        claim(&host, 2, 0);
    if (meanwhile == ASKED_ANEW)
        CHECK(vfa_state_set_claim_error(host.state, uuid, "net-0", NULL, NULL) == 0, "ask");
    vfa_host_clear(&host);
}

static size_t now; /* the case */

int __wrap_virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned flags);
int __wrap_virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned flags)
{
    happen(now);
    return -1;
}

/* ---- one pass ---- */

static unsigned attempts(void)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    struct vfa_host host = open_host(false);
    int r = vfa_state_claims(host.state, uuid, &claims, NULL);

    vfa_host_clear(&host);
    return r == 0 && claims.n == 1 ? claims.items[0].attempts : UINT_MAX;
}

/* The allocation prefers devices that have not failed. */
static bool has_failed(void)
{
    struct vfa_host host = open_host(false);
    bool failed = false;

    CHECK(vfa_state_has_failed(host.state, vf(0), &failed, NULL) == 0, "read");
    vfa_host_clear(&host);
    return failed;
}

static void test_case(struct vfa_daemon *daemon)
{
    struct vfa_pass pass = {.daemon = daemon,
                            .config = config,
                            .handle = virDomainLookupByUUIDString(conn, uuid),
                            .uuid = uuid,
                            .domain = (struct vfa_domain *)parse(WANTS),
                            .requeue_ms = UINT_MAX};
    struct vfa_host host = open_host(true);
    struct vfa_step step = {.request = &pass.domain->requests[0]};

    config->aliases[0].on_attach_failure =
        cases[now].keep ? VFA_ATTACH_FAILURE_KEEP : VFA_ATTACH_FAILURE_DESTROY;
    claim(&host, 1, cases[now].attempts);
    CHECK(vfa_state_claims(host.state, uuid, &pass.claims, NULL) == 0, "claims");
    vfa_host_clear(&host);
    step.claim = &pass.claims.items[0];
    if (cases[now].attach) {
        CHECK(!vfa_pass_attach(&pass, &step), "%s", cases[now].label);
    } else {
        happen(now);
        vfa_pass_give_up(&pass, &step);
    }
    CHECK((virDomainIsActive(guest) == 0) == cases[now].destroyed, "%s", cases[now].label);
    CHECK(attempts() == cases[now].after, "%s: %u", cases[now].label, attempts());
    if (cases[now].meanwhile == NOTHING && cases[now].attach)
        CHECK(has_failed() == (cases[now].after == VFA_ATTACH_ATTEMPTS), "%s", cases[now].label);
    CHECK(pass.requeue_ms == cases[now].again, "%s: %u", cases[now].label, pass.requeue_ms);
    if (cases[now].destroyed)
        CHECK(virDomainCreate(guest) == 0, "start");
    vfa_backoff_forget(daemon->backoff, uuid);
    vfa_claims_clear(&pass.claims);
    virDomainFree(pass.handle);
}

int main(void)
{
    vfa_virt_quiet();
    struct vfa_daemon daemon = {.backoff = vfa_backoff_new()};

    vfa_log_init("test", LOG_EMERG);
    conn = virConnectOpen("test:///default");
    guest = conn ? virDomainLookupByName(conn, "test") : NULL;
    if (!guest || virDomainGetUUIDString(guest, uuid) < 0) {
        printf("libvirt has no driver for tests\n");
        return 77;
    }
    make_host();
    for (now = 0; now < ARRAY_SIZE(cases); now++)
        test_case(&daemon);
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    vfa_backoff_free(daemon.backoff);
    virDomainFree(guest);
    virConnectClose(conn);
    return check_result();
}
