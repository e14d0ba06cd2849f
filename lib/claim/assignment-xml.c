/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The XML of a domain that starts with its devices: its definition with the devices that were
 * claimed for its requests. A request's element that is in the definition is filled; the others are
 * made as for hot-plug. They need no empty port: libvirt adds the ports that a definition lacks.
 *
 * A label keeps its port for its request, as at hot-plug. If no other port is left, libvirt takes
 * the port of a request that found nothing.
 */

#include "assignment-xml.h"

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "assignment.h"

#include <errno.h>
#include <string.h>

/* What goes into the XML; the arrays have room for all assignments. */
struct plug {
    struct vfa_domxml_source *sources; /* for elements of the definition */
    size_t n_sources;
    char **devices; /* elements to add */
    size_t n_devices;
};

static void plug_clear(struct plug *plug)
{
    for (size_t i = 0; i < plug->n_devices; i++)
        free(plug->devices[i]);
    free(plug->devices);
    free(plug->sources);
}

static int make_device(const struct vfa_config *config, struct vfa_domain *domain,
                       const struct vfa_assignment *arrival, char **ret, struct vfa_error *err)
{
    const struct vfa_request *request = vfa_domain_request(domain, arrival->request);
    const struct vfa_alias *alias =
        request && arrival->alias ? vfa_config_alias(config, arrival->alias) : NULL;
    const struct vfa_port *port = vfa_domain_port(domain, arrival->request);
    int r;

    if (!alias)
        return vfa_fail(err, ENOENT, "no alias is configured for request '%s'", arrival->request);
    r = vfa_domxml_device(domain, request, alias, &arrival->device, arrival->managed, port, ret,
                          err);
    if (r == 0 && port)
        domain->ports[port - domain->ports].used = true;
    return r;
}

static int put_in(const char *xml, size_t len, const struct plug *plug, char **ret,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *filled = NULL;
    int r = vfa_domxml_fill(xml, len, plug->sources, plug->n_sources, &filled, err);

    if (r < 0)
        return r;
    return vfa_domxml_insert(filled, strlen(filled), plug->devices, plug->n_devices, ret, err);
}

int vfa_assignments_to_xml(const struct vfa_config *config, const char *xml, size_t len,
                           struct vfa_domain *domain, const struct vfa_assignments *assignments,
                           char **ret, struct vfa_error *err)
{
    VFA_AUTO(plug_clear)
    struct plug plug = {
        .sources = calloc(assignments->n + 1, sizeof(*plug.sources)),
        .devices = calloc(assignments->n + 1, sizeof(*plug.devices)),
    };
    int r = plug.sources && plug.devices ? 0 : vfa_fail_oom(err);

    for (size_t i = 0; r == 0 && i < assignments->n; i++) {
        const struct vfa_assignment *arrival = &assignments->items[i];

        if (vfa_domain_device(domain, arrival->request)) {
            plug.sources[plug.n_sources++] =
                (struct vfa_domxml_source){arrival->request, &arrival->device, arrival->managed};
            continue;
        }
        r = make_device(config, domain, arrival, &plug.devices[plug.n_devices], err);
        plug.n_devices += r == 0;
    }
    if (r == 0)
        r = put_in(xml, len, &plug, ret, err);
    return r < 0 ? vfa_wrap(err, "domain '%s'", domain->name) : 0;
}
