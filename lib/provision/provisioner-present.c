/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See provisioner.h: the functions for the devices in the XML of a domain, each by its claim. */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"
#include "private.h"
#include "provisioner.h"

#include <errno.h>

static void make_desired(const struct vfa_host *host, const struct vfa_domain *domain,
                         const struct vfa_claim *claim, const struct vfa_domdev *dev,
                         struct vfa_vf_desired *ret)
{
    vfa_vf_desired_make(claim->alias ? vfa_config_alias(host->config, claim->alias) : NULL,
                        vfa_domain_request(domain, claim->request), dev->kind, ret);
}

/* Calls function() for each device of a request that has a claim. */
static int each_present(struct vfa_host *host, const struct vfa_domain *domain,
                        int (*function)(struct vfa_host *, const struct vfa_claim *,
                                        const struct vfa_vf_desired *, struct vfa_error *),
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_domain_has_tagged(domain)
                ? vfa_state_claims(host->state, domain->uuid, &claims, err)
                : 0;

    for (size_t i = 0; r == 0 && i < domain->n_devices; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];
        const struct vfa_claim *claim =
            dev->request ? vfa_claims_find(&claims, dev->request) : NULL;
        struct vfa_vf_desired desired;

        if (!claim)
            continue;
        make_desired(host, domain, claim, dev, &desired);
        r = function(host, claim, &desired, err);
    }
    return r;
}

static int apply_with_names(struct vfa_host *host, const struct vfa_claim *claim,
                            const struct vfa_vf_desired *desired, struct vfa_error *err)
{
    int r = vfa_provisioner_apply(host, claim, desired, err);

    if (r == VFA_VF_STALE) {
        r = vfa_refuse(err, ECANCELED, "its claim of %s was dropped meanwhile", claim->device);
    }
    if (r)
        vfa_wrap(err, "domain '%s': request '%s'", claim->domain, claim->request);
    return r;
}

int vfa_provisioner_apply_present(struct vfa_host *host, const struct vfa_domain *domain,
                                  struct vfa_error *err)
{
    return each_present(host, domain, apply_with_names, err);
}

static int apply_new_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_vf_desired *desired, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = claim->state == VFA_CLAIM_ACTIVE
                ? 0
                : vfa_provisioner_after_attach(host, claim, desired, &why);

    if (r == 0 || r == VFA_VF_STALE)
        return 0;
    if (r < 0)
        return vfa_error_move(err, &why);
    vfa_provisioner_warn(host, claim, &why);
    return 0;
}

int vfa_provisioner_after_attach_present(struct vfa_host *host, const struct vfa_domain *domain,
                                         struct vfa_error *err)
{
    return each_present(host, domain, apply_new_vlan, err);
}
