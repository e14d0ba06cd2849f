/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps for a running domain: each pair of a claim that it has and a request. */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/hold.h"
#include "state/withdrawn.h"
#include "check.h"
#include "helpers/vfaliasd/plan.h"

#define UUID "aaaaaaaa-0000-0000-0000-000000000000"
#define NOW  1000000

#define XML(requests, devices)                                                                     \
    "<domain type='kvm' id='1'><name>d</name><uuid>" UUID "</uuid><metadata>"                      \
    "<v:requests xmlns:v='urn:vfalias:1'>" requests "</v:requests></metadata>"                     \
    "<devices>" devices "</devices></domain>"
#define REQUEST "<v:request alias='net'/>"
#define DEVICE(alias)                                                                              \
    "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0x10' "        \
    "function='0'/></source><alias name='" alias "'/></hostdev>"
#define OURS DEVICE("ua-vf-net-0")
#define PORT "port:bbbbbbbb-0000-0000-0000-000000000000"

enum { NOTHING = -1 };
#define NOT      VFA_WITHDRAWAL_NONE
#define BORROWED VFA_WITHDRAWAL_LEASED
#define RETURNED VFA_WITHDRAWAL_LEASE_ENDED

static const struct {
    const char *label;
    const char *xml;
    const char *request; /* request of the only claim; NULL: no claim */
    const char *alias;
    enum vfa_claim_state state;
    int age; /* seconds */
    unsigned attempts;
    enum vfa_withdrawal withdrawn;
    int step;
} cases[] = {
    {"as it should be", XML(REQUEST, OURS), "net-0", "net", VFA_CLAIM_ACTIVE, 5, 0, NOT, NOTHING},
    {"attached by somebody else, not yet reasserted", XML(REQUEST, OURS), NULL, NULL, 0, 0, 0, NOT,
     NOTHING},
    {"attached, claim says claimed", XML(REQUEST, OURS), "net-0", "net", VFA_CLAIM_CLAIMED, 5, 0,
     NOT, NOTHING},
    {"prepared", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5, 0, NOT, VFA_STEP_ATTACH},
    {"failed before", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5,
     VFA_ATTACH_ATTEMPTS - 1, NOT, VFA_STEP_ATTACH},
    {"failed for good", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5, VFA_ATTACH_ATTEMPTS,
     NOT, VFA_STEP_GIVE_UP},
    {"attached although it failed for good", XML(REQUEST, OURS), "net-0", "net", VFA_CLAIM_CLAIMED,
     5, VFA_ATTACH_ATTEMPTS, NOT, NOTHING},
    {"hot-plug", XML(REQUEST, ""), NULL, NULL, 0, 0, 0, NOT, VFA_STEP_ALLOCATE},
    {"hot-plug, but withdrawn", XML(REQUEST, ""), NULL, NULL, 0, 0, 0, VFA_WITHDRAWAL_USER,
     NOTHING},
    {"detached by hand", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_ACTIVE, 5, 0, NOT,
     VFA_STEP_WITHDRAW},
    {"borrowed, its borrower detaches it", XML(REQUEST, OURS), "net-0", "net", VFA_CLAIM_ACTIVE, 5,
     0, BORROWED, NOTHING},
    {"borrowed, detached", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_ACTIVE, 5, 0, BORROWED,
     VFA_STEP_SET_ASIDE},
    {"borrowed, set aside", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5, 0, BORROWED,
     NOTHING},
    {"borrowed, and given to somebody else", XML(REQUEST, ""), NULL, NULL, 0, 0, 0, BORROWED,
     NOTHING},
    {"borrowed, but no longer asked for", XML("", ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5, 0,
     BORROWED, VFA_STEP_RELEASE},
    {"its borrower ended before the guest let go", XML(REQUEST, OURS), "net-0", "net",
     VFA_CLAIM_ACTIVE, 5, 0, RETURNED, NOTHING},
    {"its borrower ended, and the guest let go after", XML(REQUEST, ""), "net-0", "net",
     VFA_CLAIM_ACTIVE, 5, 0, RETURNED, VFA_STEP_SET_ASIDE},
    {"its borrower ended, set aside", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5,
     VFA_ATTACH_ATTEMPTS, RETURNED, VFA_STEP_END_LEASE},
    {"its borrower ended, no claim", XML(REQUEST, ""), NULL, NULL, 0, 0, 0, RETURNED,
     VFA_STEP_END_LEASE},
    {"request removed, attached", XML("", OURS), "net-0", "net", VFA_CLAIM_ACTIVE, 5, 0, NOT,
     VFA_STEP_DETACH},
    {"request removed, not attached", XML("", ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5, 0, NOT,
     VFA_STEP_RELEASE},
    {"request removed, detached since", XML("", ""), "net-0", "net", VFA_CLAIM_ACTIVE, 5, 0, NOT,
     VFA_STEP_RELEASE},
    {"request removed, failed for good", XML("", ""), "net-0", "net", VFA_CLAIM_CLAIMED, 5,
     VFA_ATTACH_ATTEMPTS, NOT, VFA_STEP_RELEASE},
    {"our name, but never asked for: its user's own", XML("", OURS), "net-0", NULL,
     VFA_CLAIM_ACTIVE, 5, 0, NOT, NOTHING},
    {"incoming, young", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_INCOMING, 5, 0, NOT, NOTHING},
    {"incoming, young, nobody asks", XML("", ""), "net-0", "net", VFA_CLAIM_INCOMING, 5, 0, NOT,
     NOTHING},
    {"incoming, too old", XML(REQUEST, ""), "net-0", "net", VFA_CLAIM_INCOMING, 301, 0, NOT,
     VFA_STEP_ATTACH},
    {"incoming, too old, nobody asks", XML("", ""), "net-0", "net", VFA_CLAIM_INCOMING, 301, 0, NOT,
     VFA_STEP_RELEASE},
    {"incoming, the clock was set back a little", XML("", ""), "net-0", "net", VFA_CLAIM_INCOMING,
     -5, 0, NOT, NOTHING},
    {"incoming, the clock was set back", XML("", ""), "net-0", "net", VFA_CLAIM_INCOMING, -3600, 0,
     NOT, VFA_STEP_RELEASE},
    {"static", XML("", DEVICE("hostdev0")), "static:0000:01:10.0", NULL, VFA_CLAIM_ACTIVE, 5, 0,
     NOT, NOTHING},
    {"static, gone", XML("", ""), "static:0000:01:10.0", NULL, VFA_CLAIM_ACTIVE, 5, 0, NOT,
     VFA_STEP_RELEASE},
    {"a network's port", XML("", DEVICE("hostdev0")), PORT, NULL, VFA_CLAIM_ACTIVE, 5, 0, NOT,
     NOTHING},
    {"a network's port, about to be attached", XML("", ""), PORT, NULL, VFA_CLAIM_CLAIMED, 5, 0,
     NOT, NOTHING},
    {"a network's port that nobody attached", XML("", ""), PORT, NULL, VFA_CLAIM_CLAIMED, 301, 0,
     NOT, VFA_STEP_RELEASE},
    {"a network's port, the clock was set back", XML("", ""), PORT, NULL, VFA_CLAIM_CLAIMED, -3600,
     0, NOT, VFA_STEP_RELEASE},
    {"a network's port, gone", XML("", ""), PORT, NULL, VFA_CLAIM_ACTIVE, 5, 0, NOT,
     VFA_STEP_RELEASE},
    {"a labelled port asks",
     "<domain id='1'><name>d</name><uuid>" UUID "</uuid><devices><controller type='pci' index='5' "
     "model='pcie-root-port'><alias name='ua-slot-net-0'/></controller></devices></domain>",
     NULL, NULL, 0, 0, 0, NOT, VFA_STEP_ALLOCATE},
};

static struct vfa_alias alias = {.name = (char *)"net"};
static const struct vfa_config config = {.aliases = &alias,
                                         .n_aliases = 1,
                                         .incoming_timeout = 300,
                                         .hold_timeout = 30,
                                         .hold_within = 2};

static int make_plan(size_t i, const struct vfa_domain *domain, struct vfa_plan *ret)
{
    struct vfa_claim claim = {
        .device = (char *)"0000:01:10.0",
        .uuid = (char *)UUID,
        .request = (char *)cases[i].request,
        .alias = (char *)cases[i].alias,
        .state = cases[i].state,
        .since = NOW - cases[i].age,
        .attempts = cases[i].attempts,
    };
    const struct vfa_claims claims = {&claim, cases[i].request ? 1 : 0};
    const struct vfa_plan_input in = {
        .domain = domain,
        .claims = &claims,
        .withdrawn = &cases[i].withdrawn,
        .now = NOW,
        .config = &config,
        .run = VFA_RUN_BOOTED,
    };

    return vfa_plan_make(&in, ret, NULL);
}

static void test_case(size_t i)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) struct vfa_step *steps = NULL;
    struct vfa_plan plan = {0};
    int r = vfa_domxml_parse(cases[i].xml, strlen(cases[i].xml), &domain, &err);

    CHECK(r == 0, "%s: %s", cases[i].label, vfa_error_text(&err));
    if (r < 0)
        return;
    CHECK(make_plan(i, domain, &plan) == 0, "%s", cases[i].label);
    steps = plan.steps;
    CHECK(plan.n == (cases[i].step == NOTHING ? 0 : 1), "%s: %zu steps", cases[i].label, plan.n);
    CHECK(plan.hold == VFA_HOLD_NOTHING, "%s: nobody waits", cases[i].label);
    if (plan.n == 1)
        CHECK((int)steps[0].kind == cases[i].step, "%s: step %d", cases[i].label, steps[0].kind);
}

/* A device without a request: the request was removed, or never existed. */
static void test_placeholder(void)
{
    static const char xml[] = XML("", OURS);
    const enum vfa_withdrawal withdrawn = NOT;

    for (int placeholder = 0; placeholder <= 1; placeholder++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        struct vfa_claim claim = {.device = (char *)"0000:01:10.0",
                                  .uuid = (char *)UUID,
                                  .request = (char *)"net-0",
                                  .alias = (char *)"net",
                                  .state = VFA_CLAIM_ACTIVE,
                                  .since = NOW - 5,
                                  .placeholder = placeholder};
        const struct vfa_claims claims = {&claim, 1};
        const struct vfa_plan_input in = {.claims = &claims,
                                          .withdrawn = &withdrawn,
                                          .now = NOW,
                                          .config = &config,
                                          .run = VFA_RUN_ON};
        struct vfa_plan_input with = in;
        struct vfa_plan plan = {0};

        CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "parse");
        with.domain = domain;
        CHECK(vfa_plan_make(&with, &plan, NULL) == 0, "plan");
        CHECK(plan.n == (placeholder ? 0 : 1), "placeholder %d: %zu steps", placeholder, plan.n);
        if (plan.n == 1)
            CHECK(plan.steps[0].kind == VFA_STEP_DETACH, "%d", plan.steps[0].kind);
        free(plan.steps);
    }
}

/* ---- the guest that waits ---- */

enum { CONNECTED = NOW - 100 };

static const struct {
    const char *label;
    bool held;
    int age;      /* age of the row, in seconds */
    int attempts; /* attempts to attach; -1: the device is attached */
    bool vital;   /* on_attach_failure is "destroy" */
    enum vfa_run run;
    enum vfa_hold_step step;
    int age_ms; /* id of the guest; 0: not known */
} holds[] = {
    {"just booted", false, 1, 0, false, VFA_RUN_BOOTED, VFA_HOLD_BEGIN, 0},
    {"booted after a long preparation", false, 99, 0, false, VFA_RUN_BOOTED, VFA_HOLD_BEGIN, 0},
    {"found running", false, 101, 0, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"booted a moment ago", false, 99, 0, false, VFA_RUN_BOOTED, VFA_HOLD_BEGIN, 1999},
    {"booted too long ago", false, 1, 0, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 2000},
    {"attached already", false, 1, -1, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"failed already", false, 1, 1, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"failed already, but vital", false, 1, 1, true, VFA_RUN_BOOTED, VFA_HOLD_BEGIN, 0},
    {"started paused", false, 1, 0, false, VFA_RUN_PAUSED, VFA_HOLD_FORGET, 0},
    {"restored, migrated, resumed by its user", false, 1, 0, false, VFA_RUN_ON, VFA_HOLD_FORGET, 0},
    {"crashed", false, 1, 0, false, VFA_RUN_STUCK, VFA_HOLD_FORGET, 0},

    {"killed before it suspended", true, 1, 0, false, VFA_RUN_BOOTED, VFA_HOLD_BEGIN, 0},
    {"likewise, 2 s ago", true, 2, 0, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"likewise, and seen to start", true, 1, 0, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 2000},
    {"likewise, the clock was set back", true, -1, 0, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"likewise, long ago", true, 30, 0, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"likewise, attached since", true, 1, -1, false, VFA_RUN_BOOTED, VFA_HOLD_FORGET, 0},
    {"waits", true, 1, 0, false, VFA_RUN_PAUSED, VFA_HOLD_GO_ON, 0},
    {"waits, from before the connection", true, 29, 0, false, VFA_RUN_PAUSED, VFA_HOLD_GO_ON, 0},
    {"too long", true, 30, 0, false, VFA_RUN_PAUSED, VFA_HOLD_EXPIRE, 0},
    {"too long, but all is there", true, 30, -1, false, VFA_RUN_PAUSED, VFA_HOLD_END, 0},
    {"the clock was set back", true, -1, 0, false, VFA_RUN_PAUSED, VFA_HOLD_EXPIRE, 0},
    {"all is there", true, 1, -1, false, VFA_RUN_PAUSED, VFA_HOLD_END, 0},
    {"a failure that can be lived with", true, 1, 1, false, VFA_RUN_PAUSED, VFA_HOLD_END, 0},
    {"one that cannot", true, 1, 1, true, VFA_RUN_PAUSED, VFA_HOLD_GO_ON, 0},
    {"given up", true, 1, VFA_ATTACH_ATTEMPTS, true, VFA_RUN_PAUSED, VFA_HOLD_END, 0},
    {"resumed by its user", true, 1, 0, false, VFA_RUN_ON, VFA_HOLD_FORGET, 0},
    {"I/O error", true, 1, 0, false, VFA_RUN_STUCK, VFA_HOLD_FORGET, 0},
};

static void test_hold(size_t i)
{
    const char *xml = holds[i].attempts < 0 ? XML(REQUEST, OURS) : XML(REQUEST, "");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    struct vfa_claim claim = {
        .device = (char *)"0000:01:10.0",
        .uuid = (char *)UUID,
        .request = (char *)"net-0",
        .alias = (char *)"net",
        .state = VFA_CLAIM_CLAIMED,
        .attempts = holds[i].attempts < 0 ? 0 : (unsigned)holds[i].attempts,
    };
    const struct vfa_claims claims = {&claim, 1};
    const struct vfa_hold hold = {.id = 1, .held = holds[i].held, .since = NOW - holds[i].age};
    const enum vfa_withdrawal withdrawn = VFA_WITHDRAWAL_NONE;
    struct vfa_plan_input in = {.claims = &claims,
                                .withdrawn = &withdrawn,
                                .now = NOW,
                                .config = &config,
                                .run = holds[i].run,
                                .hold = &hold,
                                .age_ms = holds[i].age_ms ? holds[i].age_ms : -1,
                                .connected = CONNECTED};
    struct vfa_plan plan = {0};

    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "%s", holds[i].label);
    in.domain = domain;
    alias.on_attach_failure = holds[i].vital ? VFA_ATTACH_FAILURE_DESTROY : VFA_ATTACH_FAILURE_KEEP;
    CHECK(vfa_plan_make(&in, &plan, NULL) == 0, "%s", holds[i].label);
    CHECK(plan.hold == holds[i].step, "%s: step %d", holds[i].label, plan.hold);
    free(plan.steps);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        test_case(i);
    for (size_t i = 0; i < ARRAY_SIZE(holds); i++)
        test_hold(i);
    test_placeholder();
    return check_result();
}
