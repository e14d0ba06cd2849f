/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks the text of libvirt's connection URIs (https://libvirt.org/uri.html). */
#ifndef VFA_SHARED_VIRT_URI_H
#define VFA_SHARED_VIRT_URI_H

#include "base/common.h"
#include "base/error.h"

#define VFA_VIRT_DEFAULT_URI "qemu:///system"

/* True if a URI names another host. */
bool vfa_virt_names_host(const char *uri);

/* Fails unless the URI (libvirt_uri of the configuration) selects the QEMU driver on this host. The
 * hooks claim devices for the domains of that driver; another driver or host does not know these
 * domains, so their claims would be dropped. */
int vfa_virt_check_uri(const char *uri, struct vfa_error *err);

#endif
