/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices for the placeholders in a domain's definition. Claims nothing: one transaction tries what
 * a start would choose, undoes it, and notes the devices as tentative. So definitions get different
 * devices while enough are free.
 *
 * A device that the definition names is its user's choice. It stays until it is missing, another
 * domain has it, or it is in quarantine. After a refused start, everything that refuses a start
 * counts. Otherwise a temporary fault does not: for example, the driver is not bound yet after
 * another guest has ended.
 *
 * A device that the domain has while it runs stays its own: the next start comes after its end.
 */

#include "definition.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/keys.h"
#include "device/topology.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "state/tentative.h"
#include "host/host.h"
#include "choose/verdict.h"
#include "assignment.h"
#include "check.h"
#include "claim.h"
#include "private.h"
#include "transaction.h"

#include <errno.h>
#include <string.h>

struct work {
    struct vfa_alloc a;
    struct vfa_tentatives before;
    struct vfa_tagged *tagged; /* of each tagged device of the domain */
    bool refused;              /* a start was refused */
    struct vfa_definition_result result;
};

static void definition_work_clear(struct work *w)
{
    for (size_t i = 0; w->tagged && i < w->a.domain->n_devices; i++)
        vfa_tagged_clear(&w->tagged[i]);
    free(w->tagged);
    vfa_tentatives_clear(&w->before);
    vfa_alloc_clear(&w->a);
    vfa_definition_result_clear(&w->result);
}

void vfa_definition_result_clear(struct vfa_definition_result *result)
{
    vfa_assignments_clear(&result->devices);
    free(result->refusal);
    result->refusal = NULL;
}

static bool is_to_be_replaced(const struct work *w, const struct vfa_tagged *tagged)
{
    switch (tagged->kind) {
    case VFA_TAGGED_OK:
    case VFA_TAGGED_UNMANAGED:
    case VFA_TAGGED_MADE:
        return false;
    case VFA_TAGGED_UNUSABLE:
        return w->refused || tagged->verdict == VFA_VERDICT_QUARANTINED;
    case VFA_TAGGED_TAKEN:
    case VFA_TAGGED_MISSING:
        break;
    }
    return true;
}

/* ---- the rows ---- */

static int write_row(struct work *w, const char *request, const struct vfa_device *device,
                     struct vfa_error *err)
{
    const struct vfa_tentative *before = vfa_tentatives_find(&w->before, request);
    const struct vfa_domain *domain = w->a.domain;
    struct vfa_keys keys;
    const struct vfa_tentative row = {
        .uuid = (char *)domain->uuid,
        .request = (char *)request,
        .domain = domain->name,
        .device = (char *)device->id,
        .keys = &keys,
    };

    if (before && strcmp(before->device, device->id) == 0 &&
        strcmp(before->domain, row.domain) == 0)
        return 0;
    vfa_keys_of_device(device, &keys);
    return vfa_state_set_tentative(w->a.host->state, &row, err);
}

/* Drops the rows of devices that are no longer in the definition. */
static int drop_rows(struct work *w, struct vfa_error *err)
{
    const struct vfa_domain *domain = w->a.domain;
    int r = 0;

    for (size_t i = 0; i < w->before.n && r == 0; i++) {
        if (!vfa_domain_device(domain, w->before.items[i].request))
            r = vfa_state_drop_tentative(w->a.host->state, domain->uuid, w->before.items[i].request,
                                         err);
    }
    return r;
}

static int write_rows(struct work *w, struct vfa_error *err)
{
    const struct vfa_assignments *chosen = &w->result.devices;
    int r = drop_rows(w, err);

    for (size_t i = 0; i < w->a.domain->n_devices && r == 0; i++) {
        if (w->a.domain->devices[i].request && w->tagged[i].kind != VFA_TAGGED_MADE &&
            !is_to_be_replaced(w, &w->tagged[i]))
            r = write_row(w, w->tagged[i].request.name, &w->tagged[i].device, err);
    }
    for (size_t i = 0; i < chosen->n && r == 0; i++)
        r = write_row(w, chosen->items[i].request, &chosen->items[i].device, err);
    return r;
}

/* ---- trying ---- */

/* Reserves the devices that the definition names: its other requests must not get them. Other
 * domains' claims are not checked. */
static int reserve_tagged(struct work *w, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < w->a.domain->n_devices && r >= 0; i++) {
        const struct vfa_domdev *dev = &w->a.domain->devices[i];

        if (dev->request && w->tagged[i].kind == VFA_TAGGED_MADE)
            continue; /* any number of definitions can name a device that is made */
        if (dev->request && !is_to_be_replaced(w, &w->tagged[i]))
            r = vfa_alloc_claim_tagged(&w->a, &w->tagged[i], VFA_CLAIM_CLAIMED, err);
        else if (!dev->request && dev->source)
            r = vfa_alloc_try_static(&w->a, dev, err);
    }
    return r < 0 ? r : 0;
}

/* The device that the running domain already has for the request. VFA_STATE_ABSENT: none. */
static int its_own(struct work *w, const struct vfa_request *request, struct vfa_device *ret,
                   struct vfa_error *err)
{
    const struct vfa_claim *claim = vfa_claims_find(&w->a.claims, request->name);
    int r;

    if (!claim)
        return VFA_STATE_ABSENT;
    r = vfa_alloc_read(&w->a, claim->device, ret, err);
    vfa_alloc_leave_group(ret, request->attach);
    return r;
}

static int keep_definition_refusal(struct work *w, const struct vfa_error *why,
                                   struct vfa_error *err)
{
    if (!w->result.refusal)
        w->result.refusal = strdup(vfa_error_text(why));
    return w->result.refusal ? 0 : vfa_fail_oom(err);
}

static int choose(struct work *w, const struct vfa_tagged *tagged, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_device_clear) struct vfa_device device = {0};
    int r = its_own(w, &tagged->request, &device, err);

    if (r < 0)
        return r;
    if (r == VFA_STATE_ABSENT) {
        r = vfa_check_request(w->a.host->config, w->a.domain, &tagged->request, &why);
        if (r == 0)
            r = vfa_alloc_pick(&w->a, &tagged->request, &device, &why);
    }
    if (r == VFA_CLAIM_REFUSED)
        return keep_definition_refusal(w, &why, err);
    if (r < 0)
        return vfa_error_move(err, &why);
    return vfa_alloc_assign(&w->a, &tagged->request, &device, true, &w->result.devices, err);
}

static int choose_all(struct work *w, struct vfa_error *err)
{
    int r = reserve_tagged(w, err);

    for (size_t i = 0; i < w->a.domain->n_devices && r == 0; i++) {
        if (w->a.domain->devices[i].request && is_to_be_replaced(w, &w->tagged[i]))
            r = choose(w, &w->tagged[i], err);
    }
    return r;
}

static int rehearse_definition(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_state *state = w->a.host->state;
    const size_t had = w->a.claims.n;
    int r = vfa_alloc_check_synced(&w->a, &why);

    if (r == 0 && w->a.domain->bad_requests)
        r = vfa_refuse(&why, EINVAL, "%s", w->a.domain->bad_requests);
    if (r == VFA_CLAIM_REFUSED)
        return keep_definition_refusal(w, &why, err);
    if (r < 0)
        return vfa_error_move(err, &why);
    r = vfa_state_savepoint(state, err);
    if (r == 0)
        r = choose_all(w, err);
    if (r == 0)
        r = vfa_state_rollback_to_savepoint(state, err);
    if (r == 0)
        vfa_alloc_forget_claims(&w->a, had); /* choosing only adds claims */
    return r;
}

/* ---- the definition ---- */

/* A device that the domain already has for the same request is kept, whatever its fault: a new
 * choice would give the same device as long as the domain has it. */
static void judge_own(const struct vfa_claims *claims, struct vfa_tagged *tagged)
{
    const struct vfa_claim *claim = vfa_claims_find(claims, tagged->request.name);

    if ((tagged->kind != VFA_TAGGED_UNUSABLE && tagged->kind != VFA_TAGGED_MISSING) || !claim ||
        strcmp(claim->device, tagged->source) != 0)
        return;
    if (tagged->kind == VFA_TAGGED_MISSING)
        tagged->device = vfa_device_unknown(tagged->source);
    tagged->kind = VFA_TAGGED_UNMANAGED;
}

static int judge_all(struct work *w, bool *ret_replace, struct vfa_error *err)
{
    const struct vfa_domain *domain = w->a.domain;
    int r = vfa_alloc_load_claims(&w->a, err);

    w->tagged = calloc(domain->n_devices + 1, sizeof(*w->tagged));
    if (!w->tagged)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < domain->n_devices && r == 0; i++) {
        if (!domain->devices[i].request)
            continue;
        r = vfa_alloc_read_tagged(&w->a, &domain->devices[i], &w->tagged[i], err);
        if (r == 0)
            judge_own(&w->a.claims, &w->tagged[i]);
        *ret_replace = *ret_replace || (r == 0 && is_to_be_replaced(w, &w->tagged[i]));
    }
    return r;
}

static int place_definition(struct work *w, struct vfa_error *err)
{
    struct vfa_state *state = w->a.host->state;
    const struct vfa_domain *domain = w->a.domain;
    bool replace = false;
    int r = vfa_state_end_start_refused(state, domain->uuid, &w->refused, err);

    if (r == 0)
        r = vfa_state_tentative(state, domain->uuid, &w->before, err);
    if (r == 0)
        r = vfa_topology_locate(&w->a.host->sysfs, &domain->numa_nodes, &domain->pinned_cpus,
                                &w->a.place, err);
    if (r == 0 && vfa_domain_has_requests(domain))
        r = vfa_alloc_make_fresh(&w->a, err);
    w->a.rescanned = true; /* the caller keeps the index fresh */
    if (r == 0)
        r = judge_all(w, &replace, err);
    if (r == 0 && replace)
        r = rehearse_definition(w, err);
    return r == 0 ? write_rows(w, err) : r;
}

static int run_definition(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct work *w = data;
    const struct vfa_domain *domain = w->a.domain;

    definition_work_clear(w);
    *w = (struct work){.a = {.host = host, .domain = domain}};
    return place_definition(w, err);
}

int vfa_definition_assign(struct vfa_host *host, const struct vfa_domain *domain,
                          struct vfa_definition_result *ret, struct vfa_error *err)
{
    VFA_AUTO(definition_work_clear) struct work w = {.a = {.host = host, .domain = domain}};
    int r = vfa_transaction_run(host, true, run_definition, &w, err);

    if (r < 0)
        vfa_wrap(err, "domain '%s'", domain->name);
    if (r == 0) {
        *ret = w.result;
        w.result = (struct vfa_definition_result){.refusal = NULL};
    }
    return r;
}

int vfa_definition_forget(struct vfa_state *state, const char *uuid, struct vfa_error *err)
{
    bool own, start_refused;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = vfa_state_drop_tentative(state, uuid, NULL, err);
    if (r == 0)
        r = vfa_state_end_start_refused(state, uuid, &start_refused, err);
    return vfa_state_finish(state, own, r, err);
}
