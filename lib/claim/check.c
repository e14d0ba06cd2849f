/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See check.h. */

#include "check.h"

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/topology.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/lock.h"
#include "choose/choose.h"
#include "choose/resolve.h"

#include <errno.h>
#include <string.h>

static int refuse_unknown(const struct vfa_config *config, const struct vfa_request *request,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *known = strdup("");

    for (size_t i = 0; known && i < config->n_aliases; i++) {
        char *more = NULL;

        if (asprintf(&more, "%s%s'%s'", known, i ? ", " : "", config->aliases[i].name) < 0)
            return vfa_fail_oom(err);
        free(known);
        known = more;
    }
    return vfa_refuse(err, ENOENT,
                      "request '%s': no alias '%s' is configured on this host (there %s %s)",
                      request->name, request->alias, config->n_aliases ? "are" : "is",
                      config->n_aliases ? known : "none");
}

static int refuse_tag(const struct vfa_request *request, const char *tag, struct vfa_error *err)
{
    return vfa_refuse(err, EINVAL,
                      "request '%s': unknown attribute '%s': no device_spec sets such a tag",
                      request->name, tag);
}

static bool some_spec_sets(const struct vfa_config *config, const char *tag)
{
    for (size_t i = 0; i < config->n_specs; i++) {
        if (vfa_tags_get(&config->specs[i].tags, tag))
            return true;
    }
    return false;
}

/* Counts the requests of the metadata, and the devices of the XML that ask by their names. */
static int count_requests(const struct vfa_config *config, const struct vfa_domain *domain,
                          const struct vfa_alias *alias, unsigned *ret, struct vfa_error *err)
{
    unsigned n = 0;

    for (size_t i = 0; i < domain->n_requests; i++)
        n += vfa_resolve_alias(config, &domain->requests[i]) == alias;
    for (size_t i = 0; i < domain->n_devices; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];
        const struct vfa_alias *its;
        int r;

        if (!dev->request || vfa_domain_request(domain, dev->request))
            continue;
        r = vfa_resolve_alias_of(config, domain, dev, &its, err);
        if (r < 0)
            return r;
        n += its == alias;
    }
    *ret = n;
    return 0;
}

static int check_entitlement(const struct vfa_config *config, const struct vfa_domain *domain,
                             const struct vfa_request *request, const struct vfa_alias *alias,
                             unsigned more, struct vfa_error *err)
{
    static const struct vfa_numa_place nowhere;
    struct vfa_criteria criteria;
    unsigned n;
    int r = count_requests(config, domain, alias, &n, err);

    if (r < 0)
        return r;
    n += more;
    vfa_criteria_make(alias, request, domain, &nowhere, &criteria);
    if (!vfa_choose_permits(&criteria)) {
        return vfa_refuse(err, EPERM,
                          "request '%s': this domain is not permitted to ask for alias '%s'",
                          request->name, alias->name);
    }
    if (alias->max_per_domain && n > alias->max_per_domain) {
        return vfa_refuse(err, EPERM,
                          "request '%s': %u devices of alias '%s' are asked for, %u are allowed",
                          request->name, n, alias->name, alias->max_per_domain);
    }
    return 0;
}

static int check_element(const struct vfa_domain *domain, const struct vfa_request *request,
                         const struct vfa_alias *alias, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

    if (vfa_request_check(domain, request, alias, &why) == 0)
        return 0;
    return vfa_refuse(err, EINVAL, "request '%s': %s", request->name, vfa_error_text(&why));
}

static int check_settings(const struct vfa_request *request, const struct vfa_alias *alias,
                          struct vfa_error *err)
{
    const struct vfa_attach_facts *facts = vfa_attach_facts(vfa_request_attach(request, alias));
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_vf_settings settings;

    if (!request->settings.given)
        return 0;
    if (facts->takes_vlan && request->settings.given == 1u << VFA_VF_VLAN)
        return 0; /* libvirt does it */
    if (!(facts->types & 1u << VFA_TYPE_VF))
        return vfa_refuse(
            err, EINVAL,
            "request '%s': settings: alias '%s' attaches %s, and only a VF has settings",
            request->name, alias->name, facts->name);
    vfa_request_settings(request, alias, &settings);
    if (vfa_vf_settings_check(&settings, &why) == 0)
        return 0;
    return vfa_refuse(err, EINVAL, "request '%s': settings: %s", request->name,
                      vfa_error_text(&why));
}

int vfa_check_request(const struct vfa_config *config, const struct vfa_domain *domain,
                      const struct vfa_request *request, struct vfa_error *err)
{
    const struct vfa_alias *alias = vfa_resolve_alias(config, request);
    int r;

    if (!alias)
        return refuse_unknown(config, request, err);
    for (size_t i = 0; i < request->tags.n; i++) {
        if (!some_spec_sets(config, request->tags.items[i].key))
            return refuse_tag(request, request->tags.items[i].key, err);
    }
    r = check_element(domain, request, alias, err);
    if (r == 0)
        r = check_settings(request, alias, err);
    return r ? r : check_entitlement(config, domain, request, alias, 0, err);
}

int vfa_check_rung(const struct vfa_config *config, const struct vfa_domain *domain,
                   const struct vfa_request *request, const struct vfa_alias *rung, unsigned taken,
                   struct vfa_error *err)
{
    int r = check_element(domain, request, rung, err);

    if (r == 0)
        r = check_settings(request, rung, err);
    return r ? r : check_entitlement(config, domain, request, rung, taken + 1, err);
}

static int refuse_ports(const struct vfa_domain *domain, unsigned missing, struct vfa_error *err)
{
    if (domain->pcie)
        return vfa_refuse(
            err, ENOSPC,
            "%u more empty PCIe root port%s needed to hot-plug what it asks for: run 'vfalias "
            "request ports %s', or add <controller type='pci' model='pcie-root-port'/>",
            missing, missing == 1 ? "" : "s", domain->name);
    return vfa_refuse(err, ENOSPC, "%u more free PCI slot%s needed to hot-plug what it asks for",
                      missing, missing == 1 ? "" : "s");
}

static int check_domain(const struct vfa_config *config, const struct vfa_domain *domain,
                        struct vfa_error *err)
{
    unsigned missing = vfa_domain_missing_ports(domain);

    if (domain->bad_requests) {
        return vfa_refuse(err, EINVAL, "%s", domain->bad_requests);
    }
    for (size_t i = 0; i < domain->n_requests; i++) {
        int r = vfa_check_request(config, domain, &domain->requests[i], err);

        if (r)
            return r;
    }
    return missing ? refuse_ports(domain, missing, err) : 0;
}

int vfa_check_requests(const struct vfa_config *config, const struct vfa_domain *domain,
                       struct vfa_error *err)
{
    int r = check_domain(config, domain, err);

    if (r)
        vfa_wrap(err, "domain '%s'", domain->name);
    return r;
}

/* True if a device is to be attached once the domain runs. */
static bool needs_daemon(const struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_requests; i++) {
        if (!vfa_domain_device(domain, domain->requests[i].name))
            return true;
    }
    return false;
}

int vfa_check_daemon(const struct vfa_config *config, const struct vfa_domain *domain,
                     struct vfa_error *err)
{
    bool present;
    int r;

    if (!config->require_daemon || !needs_daemon(domain))
        return 0;
    r = vfa_lock_is_held(config->state_path, &present, err);
    if (r < 0 || present)
        return r;
    return vfa_fail(err, ESRCH,
                    "domain '%s': vfaliasd is not running, and it attaches what is asked for: run "
                    "'systemctl start vfaliasd' (or set require_daemon = no)",
                    domain->name);
}
