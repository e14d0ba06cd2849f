/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each entry checks each request against the configuration once: `prepare` before it opens the
 * state (vfa_check_requests()), the other entries in their transaction. A forbidden request gets no
 * device. */

#include "base/common.h"
#include "base/error.h"
#include "state/claims.h"
#include "host/host.h"
#include "host/rescan.h"
#include "claim/assignment.h"
#include "claim/check.h"
#include "claim/claim.h"
#include "claim/definition.h"
#include "claim/hotplug.h"
#include "claim/incoming.h"
#include "claim/prepare.h"
#include "made-host.h"

#include <errno.h>
#include <string.h>

static unsigned n_checks; /* calls of vfa_check_request() */

int __real_vfa_check_request(const struct vfa_config *conf, const struct vfa_domain *domain,
                             const struct vfa_request *request, struct vfa_error *err);
int __wrap_vfa_check_request(const struct vfa_config *conf, const struct vfa_domain *domain,
                             const struct vfa_request *request, struct vfa_error *err);

int __wrap_vfa_check_request(const struct vfa_config *conf, const struct vfa_domain *domain,
                             const struct vfa_request *request, struct vfa_error *err)
{
    n_checks++;
    return __real_vfa_check_request(conf, domain, request, err);
}

/* As the hook calls it. */
static int prepare(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    int r = vfa_check_requests(config, domain, err);

    return r ? r : vfa_prepare_domain(host, domain, err);
}

static int start(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    return vfa_prepare_domain(host, domain, err);
}

static int receive(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments assignments = {NULL, 0};

    return vfa_incoming_claim(host, domain, VFA_INCOMING_HOTPLUG, &assignments, err);
}

static int hotplug(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    return vfa_hotplug_request(host, domain, &domain->requests[0], NULL, err);
}

static int define(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_definition_result_clear)
    struct vfa_definition_result result = {.refusal = NULL};
    int r = vfa_definition_assign(host, domain, &result, err);

    if (r != 0 || !result.refusal)
        return r;
    return vfa_refuse(err, EPERM, "%s", result.refusal);
}

#define ONE(request) DOM(META(request), "")
#define UNKNOWN      "<vfalias:request alias='nix'/>"
#define OPTIONAL     "<vfalias:request alias='nix' optional='yes'/>"
#define BAD_TAG      "<vfalias:request alias='net' color='red'/>"

static const struct {
    const char *label, *xml;
    int (*what)(struct vfa_host *, const struct vfa_domain *, struct vfa_error *);
    unsigned n_checks;
    const char *refusal; /* part of the refusal; NULL: the request gets its device */
    size_t n_claims;
} cases[] = {
    {"prepare", ONE(ASKS), prepare, 0, NULL, 1},
    {"prepare, forbidden", ONE(UNKNOWN), prepare, 0, "no alias 'nix'", 0},
    {"prepare, forbidden and optional", ONE(OPTIONAL), prepare, 0, "no alias 'nix'", 0},
    {"prepare, no such tag", ONE(BAD_TAG), prepare, 0, "unknown attribute 'color'", 0},
    {"a placeholder", DOM("", SENTINEL("net-0")), start, 1, "run 'vfalias resolve'", 0},
    {"a placeholder, forbidden", DOM("", SENTINEL("nix-0")), start, 1, "no alias 'nix'", 0},
    {"incoming", ONE(ASKS), receive, 1, NULL, 1},
    {"incoming, forbidden", ONE(UNKNOWN), receive, 1, "no alias 'nix'", 0},
    {"incoming, forbidden and optional", ONE(OPTIONAL), receive, 1, NULL, 0},
    {"incoming, device", DOM("", SENTINEL("net-0")), receive, 1, NULL, 1},
    {"incoming, device, forbidden", DOM("", SENTINEL("nix-0")), receive, 1, "no alias 'nix'", 0},
    {"hot-plug", ONE(ASKS), hotplug, 1, NULL, 1},
    {"hot-plug, forbidden", ONE(UNKNOWN), hotplug, 1, "no alias 'nix'", 0},
    {"hot-plug, no such tag", ONE(BAD_TAG), hotplug, 1, "unknown attribute 'color'", 0},
    {"definition", DOM("", SENTINEL("net-0")), define, 1, NULL, 0},
    {"definition, forbidden", DOM("", SENTINEL("nix-0")), define, 1, "no alias 'nix'", 0},
};

static void test_entries(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
        struct vfa_host host = open_host(true);
        int r = vfa_host_rescan_unless_young(&host, &err);

        CHECK(r == 0, "%s: %s", cases[i].label, vfa_error_text(&err));
        n_checks = 0;
        r = cases[i].what(&host, parse(cases[i].xml), &err);
        CHECK(r == (cases[i].refusal ? VFA_CLAIM_REFUSED : 0), "%s: %d %s", cases[i].label, r,
              vfa_error_text(&err));
        CHECK(!cases[i].refusal || check_has(&err, cases[i].refusal), "%s: %s", cases[i].label,
              vfa_error_text(&err));
        CHECK(n_checks == cases[i].n_checks, "%s: %u checks", cases[i].label, n_checks);
        CHECK(vfa_state_claims(host.state, UUID, &claims, NULL) == 0 &&
                  claims.n == cases[i].n_claims,
              "%s: %zu claims", cases[i].label, claims.n);
        vfa_host_clear(&host);
    }
}

#define UNREADABLE ONE("<vfalias:wish/>")

/* A domain whose requests cannot be read may have devices of requests: it counts as a domain with
 * requests. */
static const struct {
    const char *label, *xml;
    int (*what)(struct vfa_host *, const struct vfa_domain *, struct vfa_error *);
    const char *refusal; /* part of the refusal; NULL: not refused */
} lost_cases[] = {
    {"no requests", DOM("", STATIC), start, NULL},
    {"requests", ONE(ASKS), start, "the state file was lost"},
    {"unreadable, unchecked", UNREADABLE, start, "the state file was lost"},
    {"unreadable", UNREADABLE, prepare, "'wish'"},
    {"incoming, unreadable", UNREADABLE, receive, "'wish'"},
    {"definition, unreadable", UNREADABLE, define, NULL},
};

/* vfaliasd has not rebuilt the state file yet. */
static void test_state_lost(void)
{
    char file[128];

    made_file("other.xml", "<domstatus/>"); /* a domain runs */
    for (size_t i = 0; i < ARRAY_SIZE(lost_cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = open_host(true);
        int r = vfa_host_rescan_unless_young(&host, &err);

        CHECK(r == 0, "%s: %s", lost_cases[i].label, vfa_error_text(&err));
        r = lost_cases[i].what(&host, parse(lost_cases[i].xml), &err);
        CHECK(r == (lost_cases[i].refusal ? VFA_CLAIM_REFUSED : 0), "%s: %d %s",
              lost_cases[i].label, r, vfa_error_text(&err));
        CHECK(!lost_cases[i].refusal || check_has(&err, lost_cases[i].refusal), "%s: %s",
              lost_cases[i].label, vfa_error_text(&err));
        vfa_host_clear(&host);
    }
    snprintf(file, sizeof(file), "%s/other.xml", made_root);
    unlink(file);
}

int main(void)
{
    make_host();
    test_entries();
    test_state_lost();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
