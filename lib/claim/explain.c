/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See explain.h. Each request in turn is served in the copy by vfa_alloc_pick(). The last request
 * for the alias goes on to the last candidate, for the order of the devices that are left, and
 * claims its device only if a request for another alias follows. The rows tell what the last
 * request came to, and what the earlier ones took.
 */

#include "explain.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/topology.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "choose/choose.h"
#include "choose/device-status.h"
#include "choose/resolve.h"
#include "choose/verdict.h"
#include "check.h"
#include "claim.h"
#include "private.h"

#include <errno.h>
#include <string.h>

#define NOBODY "00000000-0000-0000-0000-000000000000"

/* A device that vfa_alloc_pick() visited. It does not try the devices behind the chosen one: their
 * verdict comes from the device status. */
struct visited {
    char device[VFA_DEVICE_ID_SIZE];
    enum vfa_verdict verdict; /* VFA_VERDICT_CANDIDATE if not tried */
};

/* A device that a request would get. */
struct taken {
    char device[VFA_DEVICE_ID_SIZE];
    const struct vfa_request *request;
};

struct work {
    struct vfa_alloc a;
    struct vfa_domain somebody; /* the domain if none is given */
    struct vfa_request one;     /* the request if there is none */
    char *one_name;             /* its name, if the domain has a claim of the alias' name */
    const struct vfa_alias *alias;
    const struct vfa_domain *domain; /* may be NULL */
    struct vfa_criteria criteria;    /* of the last request */
    struct visited *visited;         /* for that request, in order */
    size_t n_visited, room;
    struct taken taken[VFA_REQUEST_MAX];
    size_t n_taken;
    bool last;                           /* request for the alias: go on to the last candidate */
    bool granted;                        /* each request for the alias got a device */
    const struct vfa_request *unclaimed; /* the last one, if it found a device */
    char *why;
    char *refusal;
};

static void explain_work_clear(struct work *w)
{
    vfa_alloc_clear(&w->a);
    free(w->visited);
    free(w->refusal);
    free(w->why);
    free(w->one_name);
}

/* Keeps the first refusal: the hook stops there. */
static int record_refusal(struct work *w, const struct vfa_error *why, struct vfa_error *err)
{
    const char *text = vfa_error_text(why);

    if (w->refusal || !w->domain)
        return 0;
    if (strncmp(text, "domain '", strlen("domain '")) == 0)
        w->refusal = strdup(text);
    else if (asprintf(&w->refusal, "domain '%s': %s", w->domain->name, text) < 0)
        w->refusal = NULL;
    return w->refusal ? 0 : vfa_fail_oom(err);
}

/* Keeps why the first request for the alias got nothing. */
static int record_why(struct work *w, const struct vfa_error *why, struct vfa_error *err)
{
    if (!w->why)
        w->why = strdup(vfa_error_text(why));
    return w->why ? 0 : vfa_fail_oom(err);
}

/* Handles the result of code that the hook uses: VFA_CLAIM_REFUSED becomes 0 and a refusal. `why`
 * is used up. */
static int downgrade_refusal(struct work *w, int r, struct vfa_error *why, struct vfa_error *err)
{
    if (r == VFA_CLAIM_REFUSED)
        return record_refusal(w, why, err);
    return r < 0 ? vfa_error_move(err, why) : 0;
}

/* ---- one request ---- */

static void begin_visits(void *data)
{
    struct work *w = data;

    w->n_visited = 0;
}

static int note_visit(void *data, const struct vfa_device *indexed, enum vfa_verdict verdict,
                      struct vfa_error *err)
{
    struct work *w = data;

    if (w->n_visited == w->room) {
        size_t room = w->room ? w->room * 2 : 64;
        struct visited *more = reallocarray(w->visited, room, sizeof(*more));

        if (!more)
            return vfa_fail_oom(err);
        w->visited = more;
        w->room = room;
    }
    memcpy(w->visited[w->n_visited].device, indexed->id, sizeof(indexed->id));
    w->visited[w->n_visited++].verdict = verdict;
    return 0;
}

/* denied: the configuration forbids the request. It gets nothing; its candidates are listed. */
static int try_request(struct work *w, const struct vfa_request *request, bool denied,
                       struct vfa_error *err)
{
    const struct vfa_alloc_observer observer = {.begin = begin_visits,
                                                .visited = note_visit,
                                                .data = w,
                                                .go_on = w->last,
                                                .show_only = denied};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    int r;

    vfa_criteria_make(w->alias, request == &w->one ? NULL : request, w->domain, &w->a.place,
                      &w->criteria);
    w->a.observer = &observer;
    r = vfa_alloc_pick(&w->a, request, &now, &why);
    w->a.observer = NULL;
    if (r == 0) {
        memcpy(w->taken[w->n_taken].device, now.id, sizeof(now.id));
        w->taken[w->n_taken++].request = request;
        w->unclaimed = w->last ? request : NULL;
        return 0;
    }
    w->granted = false;
    if (r == VFA_CLAIM_REFUSED && record_why(w, &why, err) < 0)
        return -ENOMEM;
    return r == VFA_CLAIM_REFUSED && request->optional ? 0 : downgrade_refusal(w, r, &why, err);
}

static int try_target(struct work *w, const struct vfa_request *request, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int denied, r;

    if (!w->domain) /* without a domain nothing is forbidden */
        return try_request(w, request, false, err);
    denied = vfa_check_request(w->a.host->config, w->a.domain, request, &why);
    r = denied == VFA_CLAIM_REFUSED ? record_why(w, &why, err) : 0;
    if (r == 0)
        r = downgrade_refusal(w, denied, &why, err);
    return r < 0 ? r : try_request(w, request, denied == VFA_CLAIM_REFUSED, err);
}

/* The last request for the alias has not claimed its device yet. */
static int claim_last(struct work *w, struct vfa_error *err)
{
    const struct vfa_request *request = w->unclaimed;
    int r = request ? vfa_alloc_pick(&w->a, request, NULL, err) : 0;

    w->unclaimed = NULL;
    if (r <= 0)
        return r;
    return vfa_fail(err, EUCLEAN, "cannot claim for request '%s' in a copy of the state",
                    request->name);
}

/* The requests for other aliases claim their devices as well. */
static int serve_other(struct work *w, const struct vfa_request *request, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = claim_last(w, err);

    if (r < 0)
        return r;
    r = vfa_check_request(w->a.host->config, w->a.domain, request, &why);
    if (r == 0)
        r = vfa_alloc_pick(&w->a, request, NULL, &why);
    return r == VFA_CLAIM_REFUSED && request->optional ? 0 : downgrade_refusal(w, r, &why, err);
}

/* A request that has its device or is withdrawn needs none. A start forgets withdrawals. */
static bool is_served(struct work *w, const struct vfa_request *request)
{
    bool withdrawn = false;

    return vfa_claims_find(&w->a.claims, request->name) ||
           (vfa_state_is_withdrawn(w->a.host->state, w->a.domain->uuid, request->name, &withdrawn,
                                   NULL) == 0 &&
            withdrawn);
}

/* The number of requests up to the last one for the alias that needs a device. */
static size_t last_target(struct work *w)
{
    const struct vfa_domain *domain = w->a.domain;
    size_t n = domain->n_requests;

    while (n > 0 && (vfa_resolve_alias(w->a.host->config, &domain->requests[n - 1]) != w->alias ||
                     is_served(w, &domain->requests[n - 1])))
        n--;
    return n;
}

/* A claim of the domain may have the name: one request has one device. */
static int try_one(struct work *w, struct vfa_error *err)
{
    for (unsigned i = 0; vfa_claims_find(&w->a.claims, w->one.name); i++) {
        free(w->one_name);
        if (asprintf(&w->one_name, "%s-%u", w->alias->name, i) < 0) {
            w->one_name = NULL;
            return vfa_fail_oom(err);
        }
        w->one.name = w->one_name;
    }
    return try_target(w, &w->one, err);
}

static int try_all(struct work *w, struct vfa_error *err)
{
    const struct vfa_domain *domain = w->a.domain;
    size_t tried = 0, end;
    int r = vfa_alloc_load_claims(&w->a, err);

    end = r == 0 ? last_target(w) : 0;
    for (size_t i = 0; r == 0 && i < domain->n_requests && w->n_taken < ARRAY_SIZE(w->taken); i++) {
        const struct vfa_request *request = &domain->requests[i];
        bool target = vfa_resolve_alias(w->a.host->config, request) == w->alias;

        if (is_served(w, request))
            continue;
        w->last = i + 1 == end;
        r = target ? try_target(w, request, err) : serve_other(w, request, err);
        tried += target;
    }
    w->last = true;
    return r < 0 || tried > 0 ? r : try_one(w, err);
}

/* ---- the start ---- */

static int begin_start(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_check_requests(w->a.host->config, w->domain, &why);

    r = downgrade_refusal(w, r, &why, err);
    if (r < 0)
        return r;
    vfa_error_clear(&why);
    r = vfa_alloc_begin(&w->a, &why);
    return downgrade_refusal(w, r, &why, err);
}

/* Explains a start also if it is refused before a device is chosen. */
static int begin_explain(struct work *w, bool running, struct vfa_error *err)
{
    int r = 0;

    if (w->domain)
        r = vfa_topology_locate(&w->a.host->sysfs, &w->domain->numa_nodes, &w->domain->pinned_cpus,
                                &w->a.place, err);
    if (r == 0 && w->domain && !running)
        r = begin_start(w, err);
    return r < 0 ? r : vfa_alloc_make_fresh(&w->a, err);
}

static void set_up_explain(struct work *w, struct vfa_host *host, const struct vfa_alias *alias,
                           const struct vfa_domain *domain)
{
    static char nobody[] = "?";

    w->somebody = domain ? *domain : (struct vfa_domain){.name = nobody};
    if (!w->somebody.uuid[0])
        memcpy(w->somebody.uuid, NOBODY, sizeof(NOBODY));
    w->a.host = host;
    w->a.domain = &w->somebody;
    w->alias = alias;
    w->domain = domain;
    w->one = (struct vfa_request){.name = alias->name, .alias = alias->name, .numa = alias->numa};
    w->granted = true;
}

/* ---- the rows ---- */

static struct vfa_explained *row_of(struct vfa_explanation *e, const char *device)
{
    const struct vfa_device *dev = vfa_inventory_find(e->survey.inv, device);

    return dev ? &e->rows[dev - e->survey.inv->devices] : NULL;
}

static int fill_rows(struct work *w, struct vfa_explanation *e, struct vfa_error *err)
{
    unsigned order = 0;

    for (size_t i = 0; i < e->n; i++) {
        e->rows[i].device = &e->survey.devices[i];
        e->rows[i].verdict = vfa_device_status_judge(&e->survey.devices[i], &e->criteria);
    }
    for (size_t i = 0; i < w->n_taken; i++) {
        struct vfa_explained *row = row_of(e, w->taken[i].device);

        if (!row)
            continue;
        row->chosen = true;
        row->verdict = VFA_VERDICT_CANDIDATE;
        row->order = ++order;
        if (w->taken[i].request == &w->one)
            continue;
        row->request = strdup(w->taken[i].request->name);
        if (!row->request)
            return vfa_fail_oom(err);
    }
    for (size_t i = 0; i < w->n_visited; i++) {
        struct vfa_explained *row = row_of(e, w->visited[i].device);

        if (!row || row->chosen)
            continue;
        /* of several reasons, the first in the order of the filters */
        if (row->verdict == VFA_VERDICT_CANDIDATE)
            row->verdict = w->visited[i].verdict;
        row->order = row->verdict == VFA_VERDICT_CANDIDATE ? ++order : 0;
    }
    return 0;
}

/* A device that is not in the index is not tried before the next scan. */
static int describe_rows(const struct work *w, struct vfa_explanation *e, struct vfa_error *err)
{
    unsigned order = 0;

    for (size_t i = 0; i < e->n; i++)
        order = e->rows[i].order > order ? e->rows[i].order : order;
    for (size_t i = 0; i < e->n; i++) {
        struct vfa_explained *row = &e->rows[i];
        bool unknown = row->verdict == VFA_VERDICT_CANDIDATE && row->order == 0;

        if (unknown)
            row->order = ++order;
        row->detail = unknown ? strdup("not in the index yet; 'vfalias rescan' puts it there")
                              : vfa_device_status_describe(w->a.host->config, row->device,
                                                           &e->criteria, row->verdict);
        if (!row->detail)
            return vfa_fail_oom(err);
    }
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct vfa_explained *x = a, *y = b;

    if (x->order != y->order)
        return x->order && (!y->order || x->order < y->order) ? -1 : 1;
    return strcmp(x->device->dev->id, y->device->dev->id);
}

static int make_explained_rows(struct work *w, struct vfa_explanation *e, struct vfa_error *err)
{
    int r = vfa_device_status_make(w->a.host->config, &w->a.host->sysfs, w->a.host->state,
                                   w->a.domain->uuid, &e->survey, err);

    if (r < 0)
        return r;
    e->criteria = w->criteria;
    e->rows = calloc(e->survey.n + 1, sizeof(*e->rows));
    if (!e->rows)
        return vfa_fail_oom(err);
    e->n = e->survey.n;
    r = fill_rows(w, e, err);
    if (r == 0)
        r = describe_rows(w, e, err);
    if (r == 0)
        qsort(e->rows, e->n, sizeof(*e->rows), compare_rows);
    return r;
}

int vfa_explain(struct vfa_host *host, const struct vfa_alias *alias,
                const struct vfa_domain *domain, bool running, struct vfa_explanation *ret,
                struct vfa_error *err)
{
    VFA_AUTO(vfa_explanation_clear) struct vfa_explanation e = {0};
    VFA_AUTO(explain_work_clear) struct work w = {0};
    int r = vfa_state_begin(host->state, err); /* one transaction is quicker */

    set_up_explain(&w, host, alias, domain);
    if (r == 0)
        r = begin_explain(&w, running, err);
    if (r == 0)
        r = try_all(&w, err);
    if (r == 0)
        r = make_explained_rows(&w, &e, err);
    vfa_state_rollback(host->state);
    if (r < 0)
        return domain ? vfa_wrap(err, "domain '%s'", domain->name) : r;
    e.granted = w.granted && w.n_taken > 0;
    e.refusal = vfa_steal(&w.refusal);
    e.why = vfa_steal(&w.why);
    *ret = e;
    e = (struct vfa_explanation){0};
    return 0;
}

void vfa_explanation_clear(struct vfa_explanation *explanation)
{
    for (size_t i = 0; i < explanation->n; i++) {
        free(explanation->rows[i].request);
        free(explanation->rows[i].detail);
    }
    free(explanation->rows);
    free(explanation->refusal);
    free(explanation->why);
    vfa_device_status_clear(&explanation->survey);
    *explanation = (struct vfa_explanation){0};
}
