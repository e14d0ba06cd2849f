/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See prepare.h. One transaction around all decisions. The index proposes devices, sysfs decides.
 *
 * Also decides whether the guest waits, at power-on, for the devices that are attached later;
 * vfaliasd holds the guest. Only here it is known that the domain starts, and with which requests.
 * The guest waits for devices that are claimed and not in the XML: it does not wait for an optional
 * request that found nothing.
 */

#include "prepare.h"

#include "base/common.h"
#include "base/error.h"
#include "device/topology.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/hold.h"
#include "state/tentative.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "choose/resolve.h"
#include "claim.h"
#include "private.h"
#include "release.h"

#include <errno.h>
#include <string.h>

/* Releases the claims of an earlier start. An incoming claim is kept if this start asks for it. */
static int forget_leftovers(struct vfa_alloc *a, struct vfa_error *err)
{
    size_t n_kept = 0;
    int r = vfa_state_forget_all_withdrawals(a->host->state, a->domain->uuid, err);

    if (r == 0)
        r = vfa_alloc_load_claims(a, err);
    while (r == 0 && n_kept < a->claims.n) { /* a claim that is released leaves the list */
        struct vfa_claim *claim = &a->claims.items[n_kept];
        bool keep = claim->state == VFA_CLAIM_INCOMING && vfa_alloc_asks_for(a->domain, claim);

        r = keep ? vfa_alloc_accept(a, claim, err)
                 : vfa_alloc_release(a, claim->request, VFA_WHY_LEFT, err);
        n_kept += keep;
    }
    return r;
}

/* A late request is tried again while the domain runs. */
static int withdraw_optional(struct vfa_alloc *a, const struct vfa_request *request,
                             struct vfa_error *err)
{
    return request->late ? 0
                         : vfa_state_withdraw(a->host->state, a->domain->uuid, request->name, err);
}

static int serve_all(struct vfa_alloc *a, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_requests && r == 0; i++) {
        const struct vfa_request *request = &a->domain->requests[i];
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (vfa_claims_find(&a->claims, request->name))
            continue;
        r = vfa_alloc_pick(a, request, NULL, &why);
        if (r == VFA_CLAIM_REFUSED && request->optional)
            r = withdraw_optional(a, request, err);
        else if (r && r != VFA_CLAIM_RESCAN)
            vfa_error_move(err, &why);
    }
    return r;
}

int vfa_alloc_begin(struct vfa_alloc *a, struct vfa_error *err)
{
    int r = vfa_alloc_check_synced(a, err);

    if (r == 0)
        r = vfa_topology_locate(&a->host->sysfs, &a->domain->numa_nodes, &a->domain->pinned_cpus,
                                &a->place, err);
    if (r == 0)
        r = forget_leftovers(a, err);
    if (r == 0 && vfa_domain_has_requests(a->domain))
        r = vfa_alloc_make_fresh(a, err);
    if (r == 0)
        r = vfa_alloc_claim_present(a, err);
    return r;
}

static int update_hold(struct vfa_alloc *a, struct vfa_error *err)
{
    const struct vfa_domain *domain = a->domain;
    bool wanted = false;

    for (size_t i = 0; i < domain->n_requests && !wanted; i++) {
        const struct vfa_request *request = &domain->requests[i];

        wanted = vfa_claims_find(&a->claims, request->name) &&
                 !vfa_domain_device(domain, request->name) &&
                 vfa_resolve_hold(a->host->config, request);
    }
    return wanted ? vfa_state_want_hold(a->host->state, domain->uuid, err) /* replaces the row */
                  : vfa_state_forget_hold(a->host->state, domain->uuid, err);
}

static int allocate_domain(struct vfa_alloc *a, struct vfa_error *err)
{
    int r = vfa_alloc_begin(a, err);

    if (r == 0)
        r = serve_all(a, err);
    return r ? r : update_hold(a, err);
}

int vfa_prepare_domain(struct vfa_host *host, const struct vfa_domain *domain,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_alloc_job job = {.domain = domain, .what = allocate_domain};
    int r = vfa_release_leftovers(host, domain->uuid, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", domain->name);
    r = vfa_alloc_run(host, &job, &why);
    if (r == VFA_CLAIM_REFUSED && vfa_release_await_any(host, domain->uuid, job.freed)) {
        vfa_error_clear(&why);
        r = vfa_alloc_run(host, &job, &why);
    }
    if (r)
        vfa_error_move(err, &why);
    if (r == VFA_CLAIM_REFUSED && job.start_refused)
        vfa_state_set_start_refused(host->state, domain->uuid, NULL);
    return r;
}
