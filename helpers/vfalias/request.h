/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sub-verbs of `vfalias request` share: which XML of a domain they change, and the ports
 * of its definition. --live, --config and --current mean the same as in `virsh metadata`; without
 * any of them, --current is the default.
 */
#ifndef VFA_VFALIAS_REQUEST_H
#define VFA_VFALIAS_REQUEST_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"

#include <libvirt/libvirt.h>

struct vfa_request_scope {
    bool live, config, current; /* the options as given */
};

/* False, with a message, if the options contradict each other. */
bool vfa_request_scope_ok(const char *verb, const struct vfa_request_scope *scope);

/* *ret gets VIR_DOMAIN_AFFECT_LIVE, _CONFIG or both. -EINVAL: the domain does not run, or has no
 * definition. */
int vfa_request_scope_resolve(const struct vfa_request_scope *scope, virDomainPtr domain,
                              unsigned *ret, struct vfa_error *err);

/* "running domain" or "definition", for messages. */
const char *vfa_request_scope_name(unsigned affect);

/* ---- ports of the definition; each change is printed on stdout ---- */

bool vfa_request_has_label(const struct vfa_domain *domain, const char *name);

/* Adds the empty ports that the domain's requests need and the definition does not have. */
int vfa_request_add_ports(virDomainPtr domain, struct vfa_error *err);

/* Add a port labelled ua-slot-NAME; remove that label (the port stays). */
int vfa_request_add_label(virDomainPtr domain, const char *name, struct vfa_error *err);
int vfa_request_remove_label(virDomainPtr domain, const char *name, struct vfa_error *err);

/* ---- devices of the definition ---- */

/* Removes the device of a request, if it has one that is made for its guest (--cold), and prints
 * that. */
int vfa_request_remove_cold(virDomainPtr domain, const struct vfa_domain *definition,
                            const char *name, struct vfa_error *err);

#endif
