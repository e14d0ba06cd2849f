/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a guest is to wait, at power-on, for the devices that are attached once it runs. Said at
 * `prepare`, since only there it is known that the domain starts, and what for; done by vfaliasd.
 *
 * Waited for is what has been claimed and is not in the XML: nobody waits for an optional request
 * that found nothing.
 */
#include "allocate-private.h"

bool vfa_allocate_holds(const struct vfa_config *config, const struct vfa_request *request)
{
    const struct vfa_alias *alias = vfa_allocate_alias(config, request);

    if (request->hold_given)
        return request->hold;
    return alias && alias->said[VFA_ALIAS_HOLD].file ? alias->hold : config->hold;
}

int vfa_attempt_settle_hold(struct vfa_attempt *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    const struct vfa_domain *domain = a->domain;
    bool wanted = false;
    int r = vfa_state_forget_hold(a->host->state, domain->uuid, err);

    if (r == 0 && domain->n_requests > 0)
        r = vfa_state_claims(a->host->state, domain->uuid, &claims, err);
    for (size_t i = 0; r == 0 && i < domain->n_requests && !wanted; i++) {
        const struct vfa_request *request = &domain->requests[i];

        wanted = vfa_claims_find(&claims, request->name) &&
                 !vfa_domain_device(domain, request->name) &&
                 vfa_allocate_holds(a->host->config, request);
    }
    return r == 0 && wanted ? vfa_state_want_hold(a->host->state, domain->uuid, err) : r;
}
