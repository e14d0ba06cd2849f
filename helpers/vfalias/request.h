/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sub-verbs of `vfalias request` share: which XML of a domain they are about, and the
 * ports of its definition. --live, --config and --current mean what they mean for `virsh metadata`,
 * and none of them is --current.
 */
#ifndef VFA_VFALIAS_REQUEST_H
#define VFA_VFALIAS_REQUEST_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"

#include <libvirt/libvirt.h>

struct vfa_request_scope {
    bool live, config, current; /* as given */
};

/* False, and a message, when the flags contradict each other. */
bool vfa_request_scope_ok(const char *verb, const struct vfa_request_scope *scope);

/* *ret gets VIR_DOMAIN_AFFECT_LIVE, _CONFIG or both. */
int vfa_request_scope_resolve(const struct vfa_request_scope *scope, virDomainPtr domain,
                              unsigned *ret, struct vfa_error *err);

/* "the running domain", "the definition": for messages. */
const char *vfa_request_scope_name(unsigned affect);

/* ---- ports of the definition; each says what it did ---- */

bool vfa_request_has_label(const struct vfa_domain *domain, const char *name);

/* Adds the empty ports that the requests lack. */
int vfa_request_add_ports(virDomainPtr domain, struct vfa_error *err);

/* Adds a port labelled ua-slot-NAME; takes that label off. */
int vfa_request_add_label(virDomainPtr domain, const char *name, struct vfa_error *err);
int vfa_request_remove_label(virDomainPtr domain, const char *name, struct vfa_error *err);

#endif
