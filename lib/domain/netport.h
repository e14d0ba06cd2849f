/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A port of a libvirt network, as the network hook gets it: the domain that owns the interface, and
 * the host device that libvirt chose from the network's pool. Untrusted XML: see domxml.h.
 *
 * Format: https://libvirt.org/formatnetworkport.html, inside <hookData> (libvirt.org/hooks.html).
 */
#ifndef VFA_DOMAIN_NETPORT_H
#define VFA_DOMAIN_NETPORT_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"

struct vfa_netport {
    char uuid[VFA_UUID_SIZE]; /* of the port; lower case */
    char *owner;              /* the domain's name */
    char owner_uuid[VFA_UUID_SIZE];
    char source[VFA_PCI_ADDR_SIZE]; /* identity of the device; "": the port has no PCI device */
};

/* Parses `len` bytes. Free with vfa_netport_free(). -EINVAL: no port, or a port without UUID or
 * owner. */
int vfa_netport_parse(const char *xml, size_t len, struct vfa_netport **ret, struct vfa_error *err);
struct vfa_netport *vfa_netport_free(struct vfa_netport *port);
VFA_DEFINE_AUTO(struct vfa_netport, vfa_netport_free);

#endif
