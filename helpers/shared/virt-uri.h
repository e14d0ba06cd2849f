/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connection URIs of libvirt (https://libvirt.org/uri.html), as text. */
#ifndef VFA_SHARED_VIRT_URI_H
#define VFA_SHARED_VIRT_URI_H

#include "base/common.h"
#include "base/error.h"

#define VFA_VIRT_DEFAULT_URI "qemu:///system"

/* True if a URI is of another host's libvirt. */
bool vfa_virt_names_host(const char *uri);

/* Fails unless the URI (libvirt_uri of the configuration) is of the QEMU driver on this host:
 * another driver, or another host, knows nothing of the domains that the hooks claim for, so their
 * claims would be dropped. */
int vfa_virt_check_uri(const char *uri, struct vfa_error *err);

#endif
