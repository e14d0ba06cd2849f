/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See provisioner.h: what alias, request and element want of a device; and the functions for the
 * devices of a domain, each by its claim. */

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "host/host.h"
#include "private.h"
#include "provisioner.h"

#include <errno.h>

/* The MAC address that an element would get, for a request that has no element yet. */
static int derive_mac(const struct vfa_domain *domain, const char *name,
                      const struct vfa_request *request, const struct vfa_alias *alias,
                      char ret[VFA_MAC_SIZE], struct vfa_error *err)
{
    struct vfa_element_summary summary;
    int r;

    if (!request || !alias) {
        vfa_mac_derive(domain->uuid, name, ret);
        return 0;
    }
    r = vfa_domxml_summarize(domain, request, alias, &summary, err);
    if (r == 0)
        snprintf(ret, VFA_MAC_SIZE, "%s", summary.mac);
    return r;
}

static enum vfa_attach_kind choose_kind(const struct vfa_domdev *dev,
                                        const struct vfa_request *request,
                                        const struct vfa_alias *alias)
{
    if (dev)
        return dev->kind;
    if (request && alias)
        return vfa_request_attach(request, alias);
    return alias ? alias->attach : VFA_ATTACH_HOSTDEV;
}

int vfa_desired_make(const struct vfa_domain *domain, const char *name,
                     const struct vfa_alias *alias, struct vfa_desired *ret, struct vfa_error *err)
{
    const struct vfa_domdev *dev = vfa_domain_device(domain, name);
    const struct vfa_request *request = vfa_domain_request(domain, name);
    const struct vfa_attach_facts *facts;

    *ret = (struct vfa_desired){.kind = choose_kind(dev, request, alias)};
    facts = vfa_attach_facts(ret->kind);
    vfa_request_settings(request, alias, &ret->settings);
    if (alias) {
        ret->policy = alias->settings_policy;
        ret->attributes = (struct vfa_attributes){alias->sysfs, alias->n_sysfs};
        ret->vdpa = alias->vdpa;
    }
    if (dev && facts->source == VFA_ATTACH_SOURCE_NODE)
        ret->path = dev->source;
    if (!facts->nic)
        return 0;
    if (dev && dev->mac && vfa_mac_parse(dev->mac, ret->mac, NULL) == 0)
        return 0;
    return derive_mac(domain, name, request, alias, ret->mac, err);
}

/* False: no device of this host is made. Saves most domains a query. */
static bool makes_devices(const struct vfa_config *config)
{
    const unsigned made = 1u << VFA_TYPE_VDPA | 1u << VFA_TYPE_VDPA_BLOCK | 1u << VFA_TYPE_MDEV;
    bool found = false;

    for (size_t i = 0; i < config->n_aliases; i++)
        found = found || config->aliases[i].types & made;
    return found;
}

/* Calls function() for each claim of a request whose device is in the XML, or (ret_full) is made. */
static int each_present(struct vfa_host *host, const struct vfa_domain *domain, char *ret_full,
                        int (*function)(struct vfa_host *, const struct vfa_claim *,
                                        const struct vfa_desired *, struct vfa_error *),
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    bool also_made = ret_full && makes_devices(host->config);
    int r = 0;

    if (also_made ? vfa_domain_has_requests(domain) : vfa_domain_has_tagged(domain))
        r = vfa_state_claims(host->state, domain->uuid, &claims, err);
    for (size_t i = 0; r == 0 && i < claims.n; i++) {
        const struct vfa_claim *claim = &claims.items[i];
        struct vfa_desired desired;

        if (!vfa_domain_device(domain, claim->request) &&
            !(also_made && claim->maker && !vfa_claim_is_static(claim->request)))
            continue;
        r = vfa_desired_make(domain, claim->request,
                             claim->alias ? vfa_config_alias(host->config, claim->alias) : NULL,
                             &desired, err);
        if (r == 0)
            r = function(host, claim, &desired, err);
        if (r == VFA_VF_FULL && ret_full)
            snprintf(ret_full, VFA_DEVICE_ID_SIZE, "%s", claim->maker);
    }
    return r;
}

static int apply_with_names(struct vfa_host *host, const struct vfa_claim *claim,
                            const struct vfa_desired *desired, struct vfa_error *err)
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
                                  char *ret_full, struct vfa_error *err)
{
    return each_present(host, domain, ret_full, apply_with_names, err);
}

static int apply_new_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_desired *desired, struct vfa_error *err)
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
    return each_present(host, domain, NULL, apply_new_vlan, err);
}
