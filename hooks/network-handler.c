/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handler of the libvirt network hook. The prefilter runs it for ports with a PCI device, which
 * libvirt takes from the pool of a network with <forward mode='hostdev'>.
 *
 * It records a claim of the port's domain on the device, so that vfalias gives the device to no
 * other domain. libvirt takes the first device that no port of the network has: it does not know
 * the claims of vfalias, and takes no other device after a refusal. So this hook refuses only
 * devices that the domain could not use anyway, or that are claimed: the refusal says who has the
 * device, where QEMU would only say "in use" or a later attach would fail. Everything else
 * succeeds: see handler.h.
 */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/netport.h"
#include "host/host.h"
#include "claim/network-port.h"
#include "claim/release.h"
#include "handler.h"

#include <syslog.h>

static int parse_port(struct vfa_call *call, struct vfa_netport **ret, struct vfa_error *err)
{
    int r = vfa_netport_parse(call->xml.data, call->xml.len, ret, err);

    return r < 0 ? vfa_wrap(err, "network '%s'", call->object) : r;
}

static int port_created(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_netport_freep) struct vfa_netport *port = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = parse_port(call, &port, err);

    if (r < 0 || !port->source[0])
        return r;
    r = vfa_config_load(NULL, &config, err);
    if (r == 0)
        r = vfa_handler_open_host(config, &host, err);
    if (r == 0)
        r = vfa_network_port_claim(&host, port, err);
    if (r == 0)
        syslog(LOG_INFO, "network '%s': gave %s to domain '%s'", call->object, port->source,
               port->owner);
    return r > 0 ? (vfa_wrap(err, "network '%s'", call->object), r) : r;
}

static int port_deleted(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_netport_freep) struct vfa_netport *port = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    size_t n = 0;
    int r = parse_port(call, &port, err);

    if (r == 0)
        r = vfa_config_load(NULL, &config, err);
    if (r == 0)
        r = vfa_handler_open_host(config, &host, err);
    if (r == 0)
        r = vfa_network_port_release(&host, port, &n, err);
    if (r == 0 && n > 0)
        syslog(LOG_INFO, "network '%s': domain '%s' gave its device back", call->object,
               port->owner);
    return r == 0 ? vfa_release_finish_own(&host, port->owner_uuid, NULL, err) : r;
}

static const struct vfa_handler table[] = {
    {"port-created", "begin", port_created, VFA_FAILS_REFUSED},
    {"port-deleted", "begin", port_deleted, VFA_FAILS_NEVER},
};

int main(int argc, char **argv)
{
    return vfa_handler_main(argc, argv, "network", table, ARRAY_SIZE(table));
}
