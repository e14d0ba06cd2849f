/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See request.h. Requests are metadata and labels of ports (vfalias-requests(7)); this file does
 * not change devices, claims or the state. */

#include "request.h"

#include "base/error.h"
#include "domain/domain.h"
#include "helpers/shared/definition.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"

#include <errno.h>
#include <string.h>

bool vfa_request_scope_ok(const char *verb, const struct vfa_request_scope *scope)
{
    if (!scope->current || (!scope->live && !scope->config))
        return true;
    vfa_cmd_fail_usage("%s: --current excludes --live and --config", verb);
    return false;
}

int vfa_request_scope_resolve(const struct vfa_request_scope *scope, virDomainPtr domain,
                              unsigned *ret, struct vfa_error *err)
{
    int active = virDomainIsActive(domain), persistent = virDomainIsPersistent(domain);

    if (active < 0 || persistent < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", virDomainGetName(domain));
    if (scope->live && !active)
        return vfa_fail(err, EINVAL, "domain '%s' is not running", virDomainGetName(domain));
    if (scope->config && !persistent)
        return vfa_fail(err, EINVAL, "domain '%s' has no definition: it is transient",
                        virDomainGetName(domain));
    *ret =
        (scope->live ? VIR_DOMAIN_AFFECT_LIVE : 0) | (scope->config ? VIR_DOMAIN_AFFECT_CONFIG : 0);
    if (!*ret)
        *ret = active ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
    return 0;
}

const char *vfa_request_scope_name(unsigned affect)
{
    if (affect == (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG))
        return "running domain and definition";
    return affect == VIR_DOMAIN_AFFECT_LIVE ? "running domain" : "definition";
}

/* ---- ports ---- */

bool vfa_request_has_label(const struct vfa_domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->n_ports; i++) {
        if (domain->ports[i].label && strcmp(domain->ports[i].label, name) == 0)
            return true;
    }
    return false;
}

/* vfaliasd may change the definition at the same time: the change is then tried again. */
enum { TRIES = 5 };

static int fail_changed(virDomainPtr domain, struct vfa_error *err)
{
    return vfa_fail(err, EBUSY,
                    "cannot change the ports of domain '%s': its definition keeps changing",
                    virDomainGetName(domain));
}

int vfa_request_add_ports(virDomainPtr domain, struct vfa_error *err)
{
    unsigned n = 0;
    int r = VFA_PORTS_CHANGED;

    for (int tries = 0; r == VFA_PORTS_CHANGED && tries < TRIES; tries++)
        r = vfa_domain_ports_add(domain, &n, err);
    if (r == VFA_PORTS_CHANGED)
        return fail_changed(domain, err);
    if (r == 0 && n > 0)
        printf("%u empty port%s added to the definition of domain '%s'\n", n, n == 1 ? "" : "s",
               virDomainGetName(domain));
    return r;
}

int vfa_request_add_label(virDomainPtr domain, const char *name, struct vfa_error *err)
{
    int r = VFA_PORTS_CHANGED;

    for (int tries = 0; r == VFA_PORTS_CHANGED && tries < TRIES; tries++)
        r = vfa_domain_ports_add_labelled(domain, name, err);
    if (r == VFA_PORTS_CHANGED)
        return fail_changed(domain, err);
    if (r == 0)
        printf("port %s%s added to the definition of domain '%s'\n", VFA_SLOT_PREFIX, name,
               virDomainGetName(domain));
    return r;
}

int vfa_request_remove_label(virDomainPtr domain, const char *name, struct vfa_error *err)
{
    int r = VFA_PORTS_CHANGED;

    for (int tries = 0; r == VFA_PORTS_CHANGED && tries < TRIES; tries++)
        r = vfa_domain_ports_remove_label(domain, name, err);
    if (r == VFA_PORTS_CHANGED)
        return fail_changed(domain, err);
    if (r == 0)
        printf("label %s%s taken off its port in the definition of domain '%s'\n", VFA_SLOT_PREFIX,
               name, virDomainGetName(domain));
    return r;
}

int vfa_request_remove_cold(virDomainPtr domain, const struct vfa_domain *definition,
                            const char *name, struct vfa_error *err)
{
    const struct vfa_domdev *dev = vfa_domain_device(definition, name);
    int r = VFA_PORTS_CHANGED;

    if (!dev || !vfa_attach_facts(dev->kind)->derived_source)
        return 0;
    for (int tries = 0; r == VFA_PORTS_CHANGED && tries < TRIES; tries++)
        r = vfa_domain_definition_remove_device(domain, name, err);
    if (r == VFA_PORTS_CHANGED)
        return fail_changed(domain, err);
    if (r == 0)
        printf("device %s%s removed from the definition of domain '%s'\n", VFA_DEVICE_PREFIX, name,
               virDomainGetName(domain));
    return r;
}
