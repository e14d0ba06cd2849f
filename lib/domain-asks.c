/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See domain-asks.h. */
#include "domain-asks.h"

bool vfa_domain_has_tagged(const struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (domain->devices[i].request)
            return true;
    }
    return false;
}

bool vfa_domain_has_requests(const struct vfa_domain *domain)
{
    return vfa_domain_has_tagged(domain) || domain->n_requests > 0 || domain->bad_requests;
}
