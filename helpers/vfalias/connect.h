/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line's way to libvirt: one connection, one domain by name or UUID, and the <requests>
 * in its metadata. Errors are worded for a person at a terminal.
 */
#ifndef VFA_VFALIAS_CONNECT_H
#define VFA_VFALIAS_CONNECT_H

#include "base/error.h"
#include "domain/domain.h"
#include "cmd.h"

#include <libvirt/libvirt.h>

/* To --connect's URI, else to the configuration's libvirt_uri. Silences libvirt's own messages.
 * Close with VFA_AUTO(vfa_connection_unref). */
int vfa_connect_open(const struct vfa_cmd_context *ctx, virConnectPtr *ret, struct vfa_error *err);

/* For verbs that change claims by what libvirt says: -ENOTSUP unless it is this host's libvirt, and
 * the one that the configuration names, by its URI (https://libvirt.org/uri.html). */
int vfa_connect_check_here(const struct vfa_cmd_context *ctx, virConnectPtr conn,
                           struct vfa_error *err);

/* By name, else by UUID. -ENOENT when there is no such domain. */
int vfa_connect_domain(virConnectPtr conn, const char *name, virDomainPtr *ret,
                       struct vfa_error *err);

/* Connection and domain in one. */
int vfa_connect_both(const struct vfa_cmd_context *ctx, const char *name, virConnectPtr *ret_conn,
                     virDomainPtr *ret_domain, struct vfa_error *err);

/* In all of these, `affect` is VIR_DOMAIN_AFFECT_LIVE (the domain runs) or _CONFIG (it is
 * persistent). */

/* The domain's XML; free() it. And the same, parsed. */
int vfa_connect_xml(virDomainPtr domain, unsigned affect, char **ret, struct vfa_error *err);
int vfa_connect_parse(virDomainPtr domain, unsigned affect, struct vfa_domain **ret,
                      struct vfa_error *err);

/* The <requests> element; NULL in *ret if there is none. free() it. */
int vfa_connect_get_requests(virDomainPtr domain, unsigned affect, char **ret,
                             struct vfa_error *err);
/* NULL removes it. */
int vfa_connect_set_requests(virDomainPtr domain, unsigned affect, const char *requests,
                             struct vfa_error *err);

#endif
