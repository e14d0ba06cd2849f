/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that a libvirt network gave to a domain's interface. libvirt has chosen the device;
 * vfalias records it, or refuses if another domain has it.
 */
#ifndef VFA_CLAIM_NETWORK_PORT_H
#define VFA_CLAIM_NETWORK_PORT_H

#include "base/common.h"
#include "base/error.h"
#include "domain/netport.h"
#include "host/host.h"

/* Records the device of a port as the domain's, even if the domain holds it for a request. 0,
 * VFA_CLAIM_REFUSED (another domain has it) or an error. */
int vfa_network_port_claim(struct vfa_host *host, const struct vfa_netport *port,
                           struct vfa_error *err);

/* Releases the device of a port that is gone. *ret_n gets the number of claims. */
int vfa_network_port_release(struct vfa_host *host, const struct vfa_netport *port, size_t *ret_n,
                             struct vfa_error *err);

#endif
