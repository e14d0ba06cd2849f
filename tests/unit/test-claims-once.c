/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An allocation reads the claims of its domain once in its transaction. Its list of the claims
 * agrees with the state after each claim and each release. */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "host/rescan.h"
#include "provision/provisioner.h"
#include "claim/assignment.h"
#include "claim/claim.h"
#include "claim/definition.h"
#include "claim/hotplug.h"
#include "claim/incoming.h"
#include "claim/prepare.h"
#include "claim/private.h"
#include "claim/release.h"
#include "made-host.h"

#include <sqlite3.h>
#include <string.h>

static unsigned n_begun, n_reads; /* n_begun: transactions; n_reads: reads of claims inside them */

int __real_vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                            struct vfa_error *err);
int __wrap_vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                            struct vfa_error *err);
int __real_vfa_state_begin(struct vfa_state *state, struct vfa_error *err);
int __wrap_vfa_state_begin(struct vfa_state *state, struct vfa_error *err);

int __wrap_vfa_state_begin(struct vfa_state *state, struct vfa_error *err)
{
    n_begun++;
    return __real_vfa_state_begin(state, err);
}

int __wrap_vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                            struct vfa_error *err)
{
    n_reads += vfa_state_is_open(state);
    return __real_vfa_state_claims(state, uuid, ret, err);
}

/* SQLite compiles a statement each time it is used. Compiling costs more than running. */
static unsigned n_statements;

int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **ret,
                              const char **tail);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **ret,
                              const char **tail);

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **ret,
                              const char **tail)
{
    n_statements++;
    return __real_sqlite3_prepare_v2(db, sql, size, ret, tail);
}

/* ---- how often claims are read ---- */

static int prepare(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
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
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};

    return vfa_hotplug_request(host, domain, &domain->requests[0], &claim, err);
}

static int define(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_definition_result_clear)
    struct vfa_definition_result result = {.refusal = NULL};

    return vfa_definition_assign(host, domain, &result, err);
}

#define MORE     "<vfalias:request alias='net' name='more'/>"
#define OPTIONAL "<vfalias:request alias='net' name='opt' optional='yes'/>"
#define TWO      DOM(META(ASKS MORE), "")
#define TAGGED   DOM(META(ASKS), HOSTDEV("net-0", "0x10", "2") STATIC)
#define GONE     DOM("", SENTINEL("net-0") SENTINEL("net-1"))

static const struct {
    const char *label, *first, *xml;
    int (*what)(struct vfa_host *, const struct vfa_domain *, struct vfa_error *);
    int n_taken; /* VFs that another domain has */
    int want;
} cases[] = {
    {"a request", NULL, DOM(META(ASKS), ""), prepare, 0, 0},
    {"two requests", NULL, TWO, prepare, 0, 0},
    {"an optional request, nothing free", NULL, DOM(META(ASKS OPTIONAL), ""), prepare, 3, 0},
    {"a request, nothing free", NULL, TWO, prepare, 3, VFA_CLAIM_REFUSED},
    {"devices in the XML", NULL, TAGGED, prepare, 0, 0},
    {"it was to arrive", TWO, TWO, prepare, 0, 0},
    {"it was to arrive with more", TWO, DOM(META(ASKS), ""), prepare, 0, 0},
    {"placeholders", NULL, GONE, prepare, 0, VFA_CLAIM_REFUSED},
    {"arriving", NULL, TWO, receive, 0, 0},
    {"arriving once more", TWO, TWO, receive, 0, 0},
    {"hot-plug", NULL, DOM(META(ASKS), ""), hotplug, 0, 0},
    {"definition", NULL, GONE, define, 0, 0},
    {"definition of a domain that is to arrive", TWO, GONE, define, 0, 0},
};

static void test_reads(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = open_host(true);
        int r = vfa_host_rescan_unless_young(&host, &err);

        for (int k = 0; k < cases[i].n_taken; k++)
            claim_for_other(&host, vf(k));
        if (r == 0 && cases[i].first)
            r = receive(&host, parse(cases[i].first), &err);
        CHECK(r == 0, "%s: %s", cases[i].label, vfa_error_text(&err));
        n_begun = n_reads = 0;
        r = cases[i].what(&host, parse(cases[i].xml), &err);
        CHECK(r == cases[i].want, "%s: %d %s", cases[i].label, r, vfa_error_text(&err));
        CHECK(n_reads == n_begun, "%s: %u reads in %u transactions", cases[i].label, n_reads,
              n_begun);
        vfa_host_clear(&host);
    }
}

#define MOST_STATEMENTS 12 /* without BEGIN and COMMIT; increase it only for a new feature */

/* As the hook does, for a domain with one request. */
static void test_statements(void)
{
    const struct vfa_domain *domain = parse(DOM(META(ASKS), ""));
    struct vfa_host host = open_host(true);
    char full[VFA_DEVICE_ID_SIZE];

    CHECK(vfa_host_rescan_unless_young(&host, NULL) == 0, "");
    n_statements = 0;
    CHECK(vfa_prepare_domain(&host, domain, NULL) == 0, "");
    CHECK(vfa_provisioner_apply_present(&host, domain, full, NULL) == 0, "");
    CHECK(n_statements <= MOST_STATEMENTS, "%u statements", n_statements);
    vfa_host_clear(&host);
}

/* ---- the list agrees with the state ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_claim(const struct vfa_claim *a, const struct vfa_claim *b)
{
    return same_text(a->device, b->device) && same_text(a->kind, b->kind) &&
           same_text(a->uuid, b->uuid) && same_text(a->domain, b->domain) &&
           same_text(a->request, b->request) && same_text(a->alias, b->alias) &&
           same_text(a->why, b->why) && same_text(a->cleaner, b->cleaner) &&
           same_text(a->error, b->error) && a->state == b->state && a->since == b->since &&
           a->state_since == b->state_since && a->attempts == b->attempts &&
           a->placeholder == b->placeholder;
}

static void check_list(const struct vfa_alloc *a, const char *label)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {NULL, 0};

    CHECK(__real_vfa_state_claims(a->host->state, a->domain->uuid, &now, NULL) == 0 &&
              now.n == a->claims.n,
          "%s: %zu in the list, %zu in the state", label, a->claims.n, now.n);
    for (size_t i = 0; i < now.n; i++) {
        const struct vfa_claim *claim = vfa_claims_find(&a->claims, now.items[i].request);

        CHECK(claim && same_claim(claim, &now.items[i]), "%s: %s", label, now.items[i].request);
    }
}

static void test_list(void)
{
    const struct vfa_domain *domain = parse(DOM(META(ASKS MORE), STATIC));
    struct vfa_host host = open_host(true);
    VFA_AUTO(vfa_alloc_clear) struct vfa_alloc a = {.host = &host, .domain = domain};

    CHECK(vfa_hotplug_request(&host, domain, &domain->requests[0], NULL, NULL) == 0, "earlier");
    CHECK(vfa_state_begin(host.state, NULL) == 0, "");
    CHECK(vfa_alloc_load_claims(&a, NULL) == 0 && a.claims.n == 1, "%zu", a.claims.n);
    check_list(&a, "loaded");
    CHECK(vfa_alloc_pick(&a, &domain->requests[1], NULL, NULL) == 0, "");
    check_list(&a, "picked");
    CHECK(vfa_alloc_earlier(&a, "net-0") && !vfa_alloc_earlier(&a, "more"), "made here");
    CHECK(vfa_alloc_pick(&a, &domain->requests[1], NULL, NULL) != 0, "it has one");
    check_list(&a, "refused");
    CHECK(vfa_alloc_release(&a, "net-0", VFA_WHY_REPLACED, NULL) == 0, "");
    check_list(&a, "released");
    CHECK(!vfa_alloc_earlier(&a, "net-0") && !vfa_alloc_earlier(&a, "more"), "released");
    CHECK(vfa_alloc_release(&a, "net-0", VFA_WHY_REPLACED, NULL) == 0, "none is fine");
    check_list(&a, "released twice");
    vfa_state_rollback(host.state);
    vfa_host_clear(&host);
}

static void test_accept(void)
{
    const struct vfa_domain *domain = parse(DOM(META(ASKS MORE), ""));
    struct vfa_host host = open_host(true);
    VFA_AUTO(vfa_alloc_clear) struct vfa_alloc a = {.host = &host, .domain = domain};

    CHECK(receive(&host, domain, NULL) == 0 &&
              vfa_state_set_claim_error(host.state, domain->uuid, "more", "failed", NULL) == 0,
          "incoming");
    CHECK(vfa_state_begin(host.state, NULL) == 0 && vfa_alloc_begin(&a, NULL) == 0, "");
    CHECK(a.claims.n == 2, "%zu", a.claims.n);
    check_list(&a, "accepted");
    vfa_state_rollback(host.state);
    vfa_host_clear(&host);
}

int main(void)
{
    make_host();
    test_reads();
    test_statements();
    test_list();
    test_accept();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
