/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See request-cold.h. Requests and elements are defined together: vfaliasd never finds a request
 * without its device, for which it would add a port. Nothing is claimed or made here. */

#include "request-cold.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/made-name.h"
#include "device/mdev-kind.h"
#include "device/vdpa-kind.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "host/host.h"
#include "choose/resolve.h"
#include "claim/assignment-xml.h"
#include "claim/assignment.h"
#include "helpers/shared/definition.h"
#include "cmd.h"

#include <errno.h>
#include <string.h>

int vfa_request_cold_check(const struct vfa_alias *alias)
{
    if (!alias)
        return vfa_cmd_fail_usage(
            "request add: --cold: this host does not have the alias, which says what is written");
    if (alias->any_of)
        return vfa_cmd_fail_usage(
            "request add: --cold: alias '%s' has any_of: what is attached is known only at the start",
            alias->name);
    if (!vfa_attach_facts(alias->attach)->derived_source)
        return vfa_cmd_fail_usage(
            "request add: --cold: alias '%s' attaches %s: only a device that is made for its guest can be written before it is chosen",
            alias->name, vfa_attach_facts(alias->attach)->name);
    return VFA_CMD_FINE;
}

/* The device as a start will make it; which device makes it is not known yet. */
static int derive_cold(const struct vfa_config *config, const struct vfa_alias *alias,
                       const char *uuid, const char *request, struct vfa_device *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *folder = vfa_made_folder(config);
    const struct vfa_made_for made_for = {.uuid = uuid, .request = request, .folder = folder};
    const struct vfa_device unknown = vfa_device_unknown("");

    if (!folder)
        return vfa_fail_oom(err);
    return alias->types & 1u << VFA_TYPE_MDEV ? vfa_mdev_derive(&unknown, &made_for, ret, err)
                                              : vfa_vdpa_derive(&unknown, &made_for, ret, err);
}

static int assign_cold(const struct vfa_config *config, const struct vfa_domain *domain,
                       const char *name, struct vfa_assignments *ret, struct vfa_error *err)
{
    const struct vfa_request *request = vfa_domain_request(domain, name);
    const struct vfa_alias *alias = request ? vfa_resolve_alias(config, request) : NULL;
    VFA_AUTO(vfa_device_clear) struct vfa_device device = {0};
    struct vfa_assignment assignment = {.request = (char *)name, .moved = true};
    int r;

    if (!alias)
        return vfa_fail(err, ENOENT, "no alias is configured for request '%s'", name);
    r = vfa_request_check(domain, request, alias, err);
    if (r < 0)
        return vfa_wrap(err, "request '%s'", name);
    r = derive_cold(config, alias, domain->uuid, name, &device, err);
    if (r < 0)
        return r;
    assignment.alias = alias->name;
    assignment.device = device;
    r = vfa_assignments_add(ret, &assignment, err);
    device = assignment.device; /* empty if it was taken over */
    return r;
}

/* *ret is the definition with the requests and their elements. */
static int write_cold(const struct vfa_config *config, const char *definition, const char *requests,
                      char *const *names, size_t n, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments assignments = {NULL, 0};
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    int r = vfa_domxml_set_requests(definition, strlen(definition), requests, &xml, err);

    if (r == 0)
        r = vfa_domxml_parse(xml, strlen(xml), &domain, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = assign_cold(config, domain, names[i], &assignments, err);
    return r < 0 ? r
                 : vfa_assignments_to_xml(config, xml, strlen(xml), domain, &assignments, ret, err);
}

int vfa_request_cold_add(const struct vfa_config *config, virDomainPtr domain, const char *requests,
                         char *const *names, size_t n, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *definition = NULL;
    VFA_AUTO(vfa_freep) char *changed = NULL;
    int r = vfa_domain_definition_read(domain, &definition, err);

    if (r == 0)
        r = write_cold(config, definition, requests, names, n, &changed, err);
    if (r < 0)
        return vfa_wrap(err, "domain '%s'", virDomainGetName(domain));
    r = vfa_domain_definition_replace(domain, definition, changed, err);
    if (r == VFA_PORTS_CHANGED)
        return vfa_fail(
            err, EBUSY,
            "cannot change the definition of domain '%s': another program is changing it, try again",
            virDomainGetName(domain));
    for (size_t i = 0; r == 0 && i < n; i++)
        printf("device %s%s added to the definition of domain '%s'\n", VFA_DEVICE_PREFIX, names[i],
               virDomainGetName(domain));
    return r;
}
