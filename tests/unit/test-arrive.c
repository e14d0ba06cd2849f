/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Claims for a domain that is about to arrive (migration, restore, vfalias start), on a fake tree
 * with one PF and four VFs: which devices are kept, which are chosen, and what `prepare` does with
 * them later. A rehearsal leaves no claims.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/hold.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/assignment-xml.h"
#include "claim/assignment.h"
#include "claim/claim.h"
#include "claim/incoming.h"
#include "claim/prepare.h"
#include "claim/reassert.h"
#include "claim/rescan.h"
#include "claim/unreleased.h"
#include "made-host.h"

#include <time.h>

static const struct {
    const char *label;
    const char *xml;
    unsigned what;
    const char *taken;  /* VFs that another domain has, one digit each */
    const char *result; /* "NAME=VF", with "!" if the device changed; NULL: refused */
    const char *error;  /* part of the error */
} cases[] = {
    {"nothing of ours", DOM("", STATIC), VFA_INCOMING_KEEP_SOURCES, "", "", NULL},
    {"chosen anew", DOM("", HOSTDEV("net-0", "0x10", "4")), 0, "", "net-0=0! ", NULL},
    {"kept", DOM("", HOSTDEV("net-0", "0x10", "4")), VFA_INCOMING_KEEP_SOURCES, "", "net-0=2 ",
     NULL},
    {"taken", DOM("", HOSTDEV("net-0", "0x10", "4")), VFA_INCOMING_KEEP_SOURCES, "02", "net-0=1! ",
     NULL},
    {"absent", DOM("", HOSTDEV("net-0", "0x1f", "7")), VFA_INCOMING_KEEP_SOURCES, "", "net-0=0! ",
     NULL},
    {"kept, and the next is not it", DOM("", HOSTDEV("net-0", "0x10", "0") SENTINEL("net-1")),
     VFA_INCOMING_KEEP_SOURCES, "", "net-0=0 net-1=1! ", NULL},
    {"kept, though it comes after one that needs it",
     DOM("", SENTINEL("net-0") HOSTDEV("net-1", "0x10", "0")), VFA_INCOMING_KEEP_SOURCES, "",
     "net-1=0 net-0=1! ", NULL},
    {"its user's own", DOM("", HOSTDEV("gpu-0", "0x10", "4")), VFA_INCOMING_KEEP_SOURCES, "",
     "gpu-0=2 ", NULL},
    {"its user's own, taken", DOM("", HOSTDEV("gpu-0", "0x10", "4")), VFA_INCOMING_KEEP_SOURCES,
     "2", NULL, "no alias 'gpu' is configured"},
    {"placeholder", DOM("", SENTINEL("net")), 0, "", "net=0! ", NULL},
    {"macvtap kept", DOM("", MACVTAP("net-0", "pf0v3")), VFA_INCOMING_KEEP_SOURCES, "", "net-0=3 ",
     NULL},
    {"macvtap taken", DOM("", MACVTAP("net-0", "pf0v3")), VFA_INCOMING_KEEP_SOURCES, "3",
     "net-0=0! ", NULL},
    {"macvtap of another host", DOM("", MACVTAP("net-0", "ens9")), VFA_INCOMING_KEEP_SOURCES, "",
     "net-0=0! ", NULL},
    {"named in the metadata",
     DOM(META("<vfalias:request alias='net' name='dp0'/>"), SENTINEL("dp0")), VFA_INCOMING_HOTPLUG,
     "", "dp0=0! ", NULL},
    {"requests left alone", DOM(META(ASKS), ""), 0, "", "", NULL},
    {"requests", DOM(META(ASKS), SENTINEL("net-1")), VFA_INCOMING_HOTPLUG, "0",
     "net-1=1! net-0=2! ", NULL},
    {"what the domain names itself comes first", DOM(META(ASKS), STATIC), VFA_INCOMING_HOTPLUG, "",
     "net-0=1! ", NULL},
    {"what the domain names itself is taken", DOM(META(ASKS), STATIC), VFA_INCOMING_HOTPLUG, "0",
     NULL, "domain 'd': device 0000:01:10.0 is not free: domain 'other' holds 0000:01:10.0"},
    {"optional one finds none", DOM(META("<vfalias:request alias='net' optional='yes'/>"), ""),
     VFA_INCOMING_HOTPLUG, "0123", "", NULL},
    {"optional, but there",
     DOM(META("<vfalias:request alias='net' optional='yes'/>"), HOSTDEV("net-0", "0x10", "4")),
     VFA_INCOMING_HOTPLUG, "0123", NULL, "domain 'd': no free device for request 'net-0'"},
    {"too many", DOM("", SENTINEL("net-0") MACVTAP("net-1", "x")), 0, "012", NULL,
     "domain 'd': no free device for request 'net-1': alias 'net' has 4 devices, 3 claimed, 1 for"},
    {"unknown alias", DOM("", SENTINEL("gpu-0")), 0, "", NULL, "no alias 'gpu' is configured"},
    {"bad requests", DOM(META("<vfalias:request/>"), ""), VFA_INCOMING_HOTPLUG, "", NULL,
     "without an alias"},
};

static void describe(const struct vfa_assignments *arrivals, char *buf, size_t size)
{
    size_t len = 0;

    *buf = '\0';
    for (size_t i = 0; i < arrivals->n && len < size; i++)
        len += (size_t)snprintf(buf + len, size - len, "%s=%d%s ", arrivals->items[i].request,
                                number_of(&arrivals->items[i].device.addr),
                                arrivals->items[i].moved ? "!" : "");
}

static size_t count_claims(struct vfa_host *host, enum vfa_claim_state claim_state)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    size_t n = 0;

    CHECK(vfa_state_claims(host->state, UUID, &claims, NULL) == 0, "claims");
    for (size_t i = 0; i < claims.n; i++)
        n += claims.items[i].state == claim_state;
    return n;
}

static size_t count_static(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    size_t n = 0;

    if (host)
        CHECK(vfa_state_claims(host->state, UUID, &claims, NULL) == 0, "claims");
    for (size_t i = 0; i < claims.n; i++)
        n += vfa_claim_is_static(claims.items[i].request);
    return n;
}

static void test_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = open_host(true);
        char got[256];
        int r;

        for (const char *p = cases[i].taken; *p; p++)
            claim_for_other(&host, vf(*p - '0'));
        r = vfa_incoming_claim(&host, parse(cases[i].xml), cases[i].what, &arrivals, &err);
        describe(&arrivals, got, sizeof(got));
        if (cases[i].result)
            CHECK(r == 0 && strcmp(got, cases[i].result) == 0, "%s: %d '%s' %s", cases[i].label, r,
                  got, r ? vfa_error_text(&err) : "");
        else
            CHECK(r == VFA_CLAIM_REFUSED && check_has(&err, cases[i].error), "%s: %d %s",
                  cases[i].label, r, vfa_error_text(&err));
        CHECK(count_claims(&host, VFA_CLAIM_INCOMING) ==
                  arrivals.n + count_static(r == 0 ? &host : NULL),
              "%s", cases[i].label);
        vfa_host_clear(&host);
    }
}

/* The start has exactly the devices that were claimed on arrival. A second arrival claims no
 * more. */
static void test_prepare(void)
{
    static const char first[] = DOM(META(ASKS), SENTINEL("net-1"));
    static const char filled[] = DOM(META(ASKS), HOSTDEV("net-1", "0x10", "0"));
    static const char other[] = DOM(META(ASKS), HOSTDEV("net-1", "0x10", "6"));
    const char *const starts[] = {filled, other};

    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
        VFA_AUTO(vfa_assignments_clear) struct vfa_assignments again = {NULL, 0};
        VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = open_host(true);

        CHECK(vfa_incoming_claim(&host, parse(first), VFA_INCOMING_HOTPLUG, &arrivals, NULL) == 0,
              "first");
        CHECK(vfa_incoming_claim(&host, parse(first), VFA_INCOMING_HOTPLUG, &again, NULL) == 0,
              "again");
        CHECK(count_claims(&host, VFA_CLAIM_INCOMING) == 2, "once");
        CHECK(vfa_prepare_domain(&host, parse(starts[i]), &err) == 0, "%s", vfa_error_text(&err));
        CHECK(count_claims(&host, VFA_CLAIM_CLAIMED) == 2, "all are the start's");
        CHECK(vfa_state_claims(host.state, UUID, &claims, NULL) == 0 && claims.n == 2, "two");
        CHECK(strcmp(claims.items[0].device, vf(1)) == 0, "%s", claims.items[0].device);
        CHECK(strcmp(claims.items[1].device, vf(i == 0 ? 0 : 3)) == 0, "%zu: %s", i,
              claims.items[1].device);
        vfa_host_clear(&host);
    }
}

/* A host device that the XML names without a request is not given to a placeholder of this XML, and
 * is claimed at the start. */
static void test_static(void)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = open_host(true);
    char got[256];

    CHECK(vfa_incoming_claim(&host, parse(DOM("", SENTINEL("net") STATIC)), 0, &arrivals, NULL) ==
              0,
          "arrive");
    describe(&arrivals, got, sizeof(got));
    CHECK(strcmp(got, "net=1! ") == 0 && count_claims(&host, VFA_CLAIM_INCOMING) == 2, "%s", got);
    CHECK(vfa_prepare_domain(&host, parse(DOM("", HOSTDEV("net", "0x10", "2") STATIC)), &err) == 0,
          "%s", vfa_error_text(&err));
    CHECK(count_claims(&host, VFA_CLAIM_CLAIMED) == 2, "all are the start's");
    vfa_host_clear(&host);
}

/* The release hook of an earlier end could not write to the state file and left a note. When this
 * start opened the state file, the note could not be handled. The note must not release claims that
 * the start has accepted. */
static void test_note_of_an_earlier_end(void)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    const struct vfa_domain *domain = parse(DOM(META(ASKS), ""));
    struct vfa_host host = open_host(true);

    CHECK(vfa_incoming_claim(&host, domain, VFA_INCOMING_HOTPLUG, &arrivals, NULL) == 0, "arrives");
    CHECK(vfa_unreleased_note(host.config->state_path, domain->uuid, (int64_t)time(NULL), &err) ==
              0,
          "%s", vfa_error_text(&err));
    CHECK(vfa_prepare_domain(&host, domain, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(vfa_unreleased_settle(&host, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(count_claims(&host, VFA_CLAIM_CLAIMED) == arrivals.n && arrivals.n > 0, "claims stay");
    vfa_host_clear(&host);
}

static void test_running(void)
{
    static const char xml[] = DOM("", SENTINEL("net-0"));
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = open_host(true);

    CHECK(vfa_prepare_domain(&host, parse(DOM(META(ASKS), "")), NULL) == 0, "runs");
    CHECK(vfa_incoming_claim(&host, parse(xml), 0, &arrivals, &err) == VFA_CLAIM_REFUSED &&
              check_has(&err, "domain 'd': it has device 0000:01:10.0 already"),
          "%s", vfa_error_text(&err));
    CHECK(count_claims(&host, VFA_CLAIM_CLAIMED) == 1, "left alone");
    vfa_host_clear(&host);
}

/* The XML that an arrival makes from a definition. The start that follows changes no claim. */
static const struct {
    const char *label;
    const char *xml;
    const char *has; /* parts of the resulting XML, in this order, separated by "|" */
    size_t devices;
} plugs[] = {
    {"a request", DOM(META(ASKS), ""),
     "<devices><hostdev|slot=\"0x10\" function=\"0x0\"|ua-vf-net-0", 1},
    {"a placeholder", DOM("", SENTINEL("net-0")), "ua-vf-net-0|domain=\"0x0000\" bus=\"0x01\"", 1},
    {"both, with an interface",
     DOM(META(ASKS "<vfalias:request alias='net' name='dp0'><vfalias:interface type='hostdev'/>"
                   "</vfalias:request>"),
         SENTINEL("net-0")),
     "ua-vf-net-0|<interface type=\"hostdev\"|<mac address=\"56:|ua-vf-dp0", 2},
    {"labelled ports", DOM(META(ASKS ASKS), ROOT SLOT(5, "net-1") PORT(6) PORT(7)),
     "ua-vf-net-0|bus=\"0x06\" slot=\"0x00\"|ua-vf-net-1|bus=\"0x05\" slot=\"0x00\"", 2},
    {"no label, no port", DOM(META(ASKS ASKS ASKS), ROOT), "ua-vf-net-0|ua-vf-net-1|ua-vf-net-2",
     3},
    {"an optional one that found none",
     DOM(META("<vfalias:request alias='net' count='4'/>"
              "<vfalias:request alias='net' name='o' optional='yes'/>"),
         ""),
     "ua-vf-net-3", 4},
};

static bool has_all(const char *text, const char *parts)
{
    VFA_AUTO(vfa_freep) char *copy = strdup(parts);
    char *rest = NULL;

    for (char *part = strtok_r(copy, "|", &rest); part && text; part = strtok_r(NULL, "|", &rest)) {
        text = strstr(text, part);
        text = text ? text + strlen(part) : NULL;
    }
    return text != NULL;
}

static void test_plug(size_t i)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    struct vfa_host host = open_host(true);
    int r = vfa_domxml_parse(plugs[i].xml, strlen(plugs[i].xml), &domain, &err);

    if (r == 0)
        r = vfa_incoming_claim(&host, domain, VFA_INCOMING_HOTPLUG, &arrivals, &err);
    if (r == 0)
        r = vfa_assignments_to_xml(config, plugs[i].xml, strlen(plugs[i].xml), domain, &arrivals,
                                   &xml, &err);
    CHECK(r == 0 && has_all(xml, plugs[i].has), "%s: %s", plugs[i].label,
          r ? vfa_error_text(&err) : xml);
    if (r == 0)
        r = vfa_prepare_domain(&host, parse(xml), &err);
    CHECK(r == 0, "%s: %s", plugs[i].label, vfa_error_text(&err));
    CHECK(count_claims(&host, VFA_CLAIM_CLAIMED) == plugs[i].devices, "%s", plugs[i].label);
    CHECK(vfa_state_holds(host.state, UUID, &holds, NULL) == 0 && holds.n == 0, "%s: no waiting",
          plugs[i].label);
    vfa_host_clear(&host);
}

/* ---- whether the guest waits for devices that are attached later ---- */

static const struct {
    const char *label;
    const char *xml;
    int alias; /* -1: the alias does not set hold */
    bool config;
    bool wanted;
} waits[] = {
    {"asks for nothing", DOM("", STATIC), -1, true, false},
    {"the default", DOM(META(ASKS), ""), -1, true, true},
    {"configuration: no", DOM(META(ASKS), ""), -1, false, false},
    {"alias over configuration: no", DOM(META(ASKS), ""), 0, true, false},
    {"alias over configuration: yes", DOM(META(ASKS), ""), 1, false, true},
    {"request over alias: no", DOM(META("<vfalias:request alias='net' hold='no'/>"), ""), 1, true,
     false},
    {"request over alias: yes", DOM(META("<vfalias:request alias='net' hold='yes'/>"), ""), 0,
     false, true},
    {"one is enough", DOM(META("<vfalias:request alias='net' hold='no'/>" ASKS), ""), -1, true,
     true},
    {"it is in the XML", DOM(META(ASKS), HOSTDEV("net-0", "0x10", "0")), -1, true, false},
    {"optional, found", DOM(META("<vfalias:request alias='net' optional='yes'/>"), ""), -1, true,
     true},
    {"optional, not found",
     DOM(META("<vfalias:request alias='net' hold='no' count='4'/>"
              "<vfalias:request alias='net' optional='yes'/>"),
         ""),
     -1, true, false},
    {"late, not found",
     DOM(META("<vfalias:request alias='net' hold='no' count='4'/>"
              "<vfalias:request alias='net' optional='yes' late='yes'/>"),
         ""),
     -1, true, false},
};

static void test_wait(size_t i)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = open_host(true);
    int r;

    config->hold = waits[i].config;
    config->aliases[0].hold = waits[i].alias > 0;
    config->aliases[0].said[VFA_ALIAS_HOLD].file = waits[i].alias < 0 ? NULL : "x";
    CHECK(vfa_state_want_hold(host.state, UUID, NULL) == 0, "from an earlier start");
    r = vfa_prepare_domain(&host, parse(waits[i].xml), &err);
    CHECK(r == 0, "%s: %s", waits[i].label, vfa_error_text(&err));
    CHECK(vfa_state_holds(host.state, UUID, &holds, NULL) == 0 && holds.n == waits[i].wanted, "%s",
          waits[i].label);
    vfa_host_clear(&host);
}

static void test_rehearsal(void)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments arrivals = {NULL, 0};
    struct vfa_host host = open_host(true);

    CHECK(vfa_rescan(&host, false, NULL, NULL) == 0, "an index");
    CHECK(vfa_state_begin(host.state, NULL) == 0, "begin");
    CHECK(vfa_incoming_claim(&host, parse(DOM("", SENTINEL("net"))), 0, &arrivals, NULL) == 0 &&
              arrivals.n == 1,
          "arrive");
    vfa_state_rollback(host.state);
    CHECK(count_claims(&host, VFA_CLAIM_INCOMING) == 0, "nothing is left");
    vfa_host_clear(&host);
}

/* The netdev of a macvtap for a request does not exist: the start is refused. */
static void test_absent_netdev(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = open_host(true);

    CHECK(vfa_prepare_domain(&host, parse(DOM("", MACVTAP("net-0", "ens9"))), &err) ==
                  VFA_CLAIM_REFUSED &&
              check_has(&err, "device 'ua-vf-net-0' names no device of this host: run 'vfalias "
                              "resolve', or start vfaliasd"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_reassert(&host, parse(DOM("", MACVTAP("net-0", "ens9"))), NULL) == 0,
          "one that runs is left alone");
    CHECK(vfa_reassert(&host, parse(DOM("", MACVTAP("net-0", "pf0v2"))), NULL) == 0 &&
              count_claims(&host, VFA_CLAIM_ACTIVE) == 1,
          "one that runs with a device has it");
    vfa_host_clear(&host);
}

int main(void)
{
    make_host();
    test_cases();
    test_prepare();
    test_static();
    test_note_of_an_earlier_end();
    test_running();
    test_rehearsal();
    test_absent_netdev();
    for (size_t i = 0; i < ARRAY_SIZE(plugs); i++)
        test_plug(i);
    for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
        test_wait(i);
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
