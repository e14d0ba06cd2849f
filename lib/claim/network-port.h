/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that a libvirt network gave to a domain's interface. libvirt has chosen; here it is
 * recorded, or refused if another domain has the device.
 */
#ifndef VFA_CLAIM_NETWORK_PORT_H
#define VFA_CLAIM_NETWORK_PORT_H

#include "base/common.h"
#include "base/error.h"
#include "domain/netport.h"
#include "host/host.h"

/* A libvirt network gave a device to a domain's port: records it as the domain's, whatever else the
 * domain held it for. 0, VFA_CLAIM_REFUSED (another domain has it) or an error. */
int vfa_network_port_claim(struct vfa_host *host, const struct vfa_netport *port,
                           struct vfa_error *err);

/* The port is gone. *ret_n gets how many claims were. */
int vfa_network_port_release(struct vfa_host *host, const struct vfa_netport *port, size_t *ret_n,
                             struct vfa_error *err);

#endif
