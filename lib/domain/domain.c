/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See domain.h. Pure: parses no XML, reads neither sysfs nor the state. */

#include "domain.h"

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"

#include <errno.h>
#include <string.h>

void vfa_request_clear(struct vfa_request *request)
{
    free(request->name);
    free(request->alias);
    free(request->template_xml);
    vfa_tags_clear(&request->tags);
    memset(request, 0, sizeof(*request));
}

void vfa_domdev_clear(struct vfa_domdev *dev)
{
    free(dev->request);
    free(dev->source);
    free(dev->mac);
}

struct vfa_domain *vfa_domain_free(struct vfa_domain *domain)
{
    if (!domain)
        return NULL;
    for (size_t i = 0; i < domain->n_requests; i++)
        vfa_request_clear(&domain->requests[i]);
    for (size_t i = 0; i < domain->n_devices; i++)
        vfa_domdev_clear(&domain->devices[i]);
    for (size_t i = 0; i < domain->n_ports; i++)
        free(domain->ports[i].label);
    free(domain->requests);
    free(domain->bad_requests);
    free(domain->devices);
    free(domain->ports);
    free(domain->name);
    free(domain);
    return NULL;
}

const struct vfa_request *vfa_domain_request(const struct vfa_domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->n_requests; i++) {
        if (strcmp(domain->requests[i].name, name) == 0)
            return &domain->requests[i];
    }
    return NULL;
}

const struct vfa_domdev *vfa_domain_device(const struct vfa_domain *domain, const char *request)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (domain->devices[i].request && strcmp(domain->devices[i].request, request) == 0)
            return &domain->devices[i];
    }
    return NULL;
}

static const struct vfa_port *empty_port(const struct vfa_domain *domain, const char *label)
{
    for (size_t i = 0; i < domain->n_ports; i++) {
        const struct vfa_port *port = &domain->ports[i];

        if (port->used || !port->label != !label)
            continue;
        if (!label || strcmp(port->label, label) == 0)
            return port;
    }
    return NULL;
}

static bool has_labels(const struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_ports; i++) {
        if (domain->ports[i].label && !domain->ports[i].used)
            return true;
    }
    return false;
}

const struct vfa_port *vfa_domain_port(const struct vfa_domain *domain, const char *request)
{
    const struct vfa_port *port = empty_port(domain, request);

    if (port || !has_labels(domain))
        return port;
    return empty_port(domain, NULL);
}

unsigned vfa_domain_missing_ports(const struct vfa_domain *domain)
{
    unsigned need = 0, have = domain->free_slots;

    for (size_t i = 0; i < domain->n_requests; i++) {
        const char *name = domain->requests[i].name;

        if (!vfa_domain_device(domain, name) && !empty_port(domain, name))
            need++;
    }
    if (domain->pcie) {
        have = 0;
        for (size_t i = 0; i < domain->n_ports; i++)
            have += !domain->ports[i].used && !domain->ports[i].label;
    }
    return need > have ? need - have : 0;
}

enum vfa_attach_kind vfa_request_attach(const struct vfa_request *request,
                                        const struct vfa_alias *alias)
{
    if (request->attach_given)
        return request->attach;
    if (!request->template_xml)
        return alias->attach;
    return vfa_attach_facts(alias->attach)->nic ? alias->attach : VFA_ATTACH_INTERFACE;
}

/* Devices for an alias are attached by every kind of their types: a VF as hostdev, as interface or as
 * macvtap. */
static bool kind_fits(enum vfa_attach_kind kind, const struct vfa_alias *alias)
{
    unsigned types = vfa_attach_facts(kind)->types;

    return types ? (types & alias->types) != 0 : kind == alias->attach;
}

static int check_network(const struct vfa_request *request, const struct vfa_alias *alias,
                         const struct vfa_attach_facts *facts, struct vfa_error *err)
{
    struct vfa_vf_settings settings;

    if (!facts->nic || facts->takes_vlan)
        return 0;
    vfa_request_settings(request, alias, &settings);
    if (request->vlan || settings.values[VFA_VF_VLAN] != 0)
        return vfa_fail(err, EINVAL, "alias '%s' attaches %s, which cannot have a VLAN",
                        alias->name, facts->name);
    if (request->port_profile)
        return vfa_fail(err, EINVAL, "alias '%s' attaches %s, which cannot have a <virtualport>",
                        alias->name, facts->name);
    return 0;
}

int vfa_request_check(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, struct vfa_error *err)
{
    enum vfa_attach_kind kind = vfa_request_attach(request, alias);
    const struct vfa_attach_facts *facts = vfa_attach_facts(kind);

    if (!alias->types && alias->attach != VFA_ATTACH_BRIDGE)
        return 0;
    if (!kind_fits(kind, alias))
        return vfa_fail(err, EINVAL,
                        "its element would be attached as %s, but alias '%s' attaches %s",
                        facts->name, alias->name, vfa_attach_facts(alias->attach)->name);
    if (facts->needs_shared_memory && !domain->shared_memory)
        return vfa_fail(
            err, EINVAL,
            "alias '%s' attaches %s, which needs shared memory: add <memoryBacking><access mode='shared'/></memoryBacking> to the domain",
            alias->name, facts->name);
    return check_network(request, alias, facts, err);
}

void vfa_request_settings(const struct vfa_request *request, const struct vfa_alias *alias,
                          struct vfa_vf_settings *ret)
{
    *ret = alias ? alias->settings : (struct vfa_vf_settings){0};
    if (request)
        vfa_vf_settings_merge(ret, &request->settings);
}

char *vfa_domxml_alias_of_name(const char *name)
{
    const char *dash = strrchr(name, '-');
    bool numbered =
        dash && dash != name && dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1);

    return numbered ? strndup(name, (size_t)(dash - name)) : strdup(name);
}

bool vfa_domdev_names(const struct vfa_domdev *dev, const char *device)
{
    return dev->source && vfa_attach_facts(dev->kind)->source == VFA_ATTACH_SOURCE_DEVICE &&
           strcmp(dev->source, device) == 0;
}

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
