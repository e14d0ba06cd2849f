/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See plan.h. */

#include "plan.h"

#include "base/error.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/withdrawn.h"
#include "choose/resolve.h"

#include <string.h>

/* libvirt creates a network port before the domain has its device. The network hook releases the
 * claim with the port. */
static bool is_awaited_port(const struct vfa_plan_input *in, const struct vfa_claim *claim)
{
    return claim->state != VFA_CLAIM_ACTIVE &&
           strncmp(claim->request, VFA_PORT_PREFIX, strlen(VFA_PORT_PREFIX)) == 0 &&
           vfa_claim_is_recent(claim->since, in->now, in->config->incoming_timeout);
}

static bool domain_names_device(const struct vfa_domain *domain, const char *device)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (vfa_domdev_names(&domain->devices[i], device))
            return true;
    }
    return false;
}

static void add_step(struct vfa_plan *plan, enum vfa_step_kind kind,
                     const struct vfa_request *request, const struct vfa_claim *claim)
{
    plan->steps[plan->n++] = (struct vfa_step){kind, request, claim};
}

static enum vfa_withdrawal withdrawal_of(const struct vfa_plan_input *in,
                                         const struct vfa_request *request)
{
    return request ? in->withdrawn[request - in->domain->requests] : VFA_WITHDRAWAL_NONE;
}

/* Plans for a claim whose device the domain does not have. */
static void plan_absent(const struct vfa_plan_input *in, const struct vfa_claim *claim,
                        const struct vfa_request *request, struct vfa_plan *plan)
{
    enum vfa_withdrawal withdrawal = withdrawal_of(in, request);
    bool borrowed = withdrawal == VFA_WITHDRAWAL_LEASED || withdrawal == VFA_WITHDRAWAL_LEASE_ENDED;

    if (vfa_claim_is_awaited(claim, in->now, in->config->incoming_timeout))
        return; /* `prepare` will use the claim, or it expires */
    if (!request)
        add_step(plan, VFA_STEP_RELEASE, NULL, claim);
    else if (claim->state == VFA_CLAIM_ACTIVE)
        add_step(plan, borrowed ? VFA_STEP_SET_ASIDE : VFA_STEP_WITHDRAW, request, claim);
    else if (withdrawal == VFA_WITHDRAWAL_LEASE_ENDED)
        add_step(plan, VFA_STEP_END_LEASE, request, NULL);
    else if (borrowed)
        return;
    else if (claim->attempts >= VFA_ATTACH_ATTEMPTS)
        add_step(plan, VFA_STEP_GIVE_UP, request, claim);
    else
        add_step(plan, VFA_STEP_ATTACH, request, claim);
}

static void plan_claim(const struct vfa_plan_input *in, const struct vfa_claim *claim,
                       struct vfa_plan *plan)
{
    const struct vfa_request *request = vfa_domain_request(in->domain, claim->request);

    if (vfa_claim_is_static(claim->request)) {
        if (!domain_names_device(in->domain, claim->device) && !is_awaited_port(in, claim))
            add_step(plan, VFA_STEP_RELEASE, NULL, claim);
    } else if (!vfa_domain_device(in->domain, claim->request)) {
        plan_absent(in, claim, request, plan);
    } else if (!request && claim->alias && !claim->placeholder) {
        add_step(plan, VFA_STEP_DETACH, NULL, claim);
    }
}

/* Called in the order of the domain's XML, so that the guest finds its devices in that order. */
static void plan_request(const struct vfa_plan_input *in, size_t i, struct vfa_plan *plan)
{
    const struct vfa_request *request = &in->domain->requests[i];
    const struct vfa_claim *claim = vfa_claims_find(in->claims, request->name);

    if (claim)
        plan_claim(in, claim, plan);
    else if (vfa_domain_device(in->domain, request->name))
        return;
    else if (in->withdrawn[i] == VFA_WITHDRAWAL_LEASE_ENDED)
        add_step(plan, VFA_STEP_END_LEASE, request, NULL);
    else if (in->withdrawn[i] == VFA_WITHDRAWAL_NONE)
        add_step(plan, VFA_STEP_ALLOCATE, request, NULL);
}

/* ---- the guest that waits ---- */

/* A first failure ends the hold, unless on_attach_failure is "destroy". */
static bool is_worth_waiting(const struct vfa_plan_input *in, const struct vfa_step *step)
{
    const struct vfa_alias *alias;

    if (step->kind != VFA_STEP_ATTACH)
        return false;
    alias = vfa_resolve_alias(in->config, step->request);
    return step->claim->attempts == 0 ||
           (alias && alias->on_attach_failure == VFA_ATTACH_FAILURE_DESTROY);
}

static bool waits(const struct vfa_plan_input *in, const struct vfa_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (is_worth_waiting(in, &plan->steps[i]))
            return true;
    }
    return false;
}

/* A clock that was set back counts as too long, so that no guest stays suspended for that. */
static bool is_too_long(const struct vfa_plan_input *in)
{
    int64_t age = in->now - in->hold->since;

    return age < 0 || age >= (int64_t)in->config->hold_timeout;
}

/* Without an age, the event of the start is still to come; or an earlier daemon got it, marked the
 * row as held, and was killed. */
static bool is_young(const struct vfa_plan_input *in)
{
    const int64_t within_ms = (int64_t)in->config->hold_within * 1000;

    if (in->age_ms >= 0)
        return in->age_ms < within_ms;
    if (!in->hold->held)
        return true;
    return in->now >= in->hold->since && (in->now - in->hold->since) * 1000 < within_ms;
}

static enum vfa_hold_step plan_held(const struct vfa_plan_input *in, bool wait)
{
    switch (in->run) {
    case VFA_RUN_BOOTED: /* the row is marked, but the guest was not suspended */
        return wait && is_young(in) ? VFA_HOLD_BEGIN : VFA_HOLD_FORGET;
    case VFA_RUN_PAUSED:
        return !wait ? VFA_HOLD_END : is_too_long(in) ? VFA_HOLD_EXPIRE : VFA_HOLD_GO_ON;
    case VFA_RUN_ON: /* its user resumed it */
    case VFA_RUN_STUCK:
        break;
    }
    return VFA_HOLD_FORGET;
}

static enum vfa_hold_step plan_hold(const struct vfa_plan_input *in, const struct vfa_plan *plan)
{
    bool wait = waits(in, plan);

    if (!in->hold)
        return VFA_HOLD_NOTHING;
    if (in->hold->held)
        return plan_held(in, wait);
    return wait && in->run == VFA_RUN_BOOTED && in->hold->since >= in->connected && is_young(in)
               ? VFA_HOLD_BEGIN
               : VFA_HOLD_FORGET;
}

int vfa_plan_make(const struct vfa_plan_input *in, struct vfa_plan *ret, struct vfa_error *err)
{
    const struct vfa_domain *domain = in->domain;
    struct vfa_plan plan = {0};

    plan.steps = calloc(in->claims->n + domain->n_requests + 1, sizeof(*plan.steps));
    if (!plan.steps)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < in->claims->n; i++) { /* first what is removed: that may free ports */
        if (!vfa_domain_request(domain, in->claims->items[i].request))
            plan_claim(in, &in->claims->items[i], &plan);
    }
    for (size_t i = 0; i < domain->n_requests; i++)
        plan_request(in, i, &plan);
    plan.hold = plan_hold(in, &plan);
    *ret = plan;
    return 0;
}
