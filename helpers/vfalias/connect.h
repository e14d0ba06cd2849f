/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access to libvirt for the verbs: one connection, one domain by name or UUID, and the <requests>
 * in its metadata. Error texts are for a user at a terminal.
 */
#ifndef VFA_VFALIAS_CONNECT_H
#define VFA_VFALIAS_CONNECT_H

#include "base/error.h"
#include "domain/domain.h"
#include "cmd.h"

#include <libvirt/libvirt.h>

/* Connects to the URI of --connect, else to the configuration's libvirt_uri. Turns libvirt's own
 * messages off. Close with VFA_AUTO(vfa_connection_unref). */
int vfa_connect_open(const struct vfa_cmd_context *ctx, virConnectPtr *ret, struct vfa_error *err);

/* For verbs that change claims because of libvirt's answers: -ENOTSUP unless the connection's URI
 * (https://libvirt.org/uri.html) names this host and the libvirt of the configuration. */
int vfa_connect_check_here(const struct vfa_cmd_context *ctx, virConnectPtr conn,
                           struct vfa_error *err);

/* Finds a domain by name, else by UUID. -ENOENT: no such domain. */
int vfa_connect_domain(virConnectPtr conn, const char *name, virDomainPtr *ret,
                       struct vfa_error *err);

/* vfa_connect_open() and vfa_connect_domain(). */
int vfa_connect_both(const struct vfa_cmd_context *ctx, const char *name, virConnectPtr *ret_conn,
                     virDomainPtr *ret_domain, struct vfa_error *err);

/* In the functions below, `affect` is VIR_DOMAIN_AFFECT_LIVE (the domain must run) or _CONFIG (the
 * domain must be persistent). */

/* Read the domain's XML, as text (free() *ret) or parsed (vfa_domain_free()). */
int vfa_connect_xml(virDomainPtr domain, unsigned affect, char **ret, struct vfa_error *err);
int vfa_connect_parse(virDomainPtr domain, unsigned affect, struct vfa_domain **ret,
                      struct vfa_error *err);

/* Reads the <requests> element; *ret is NULL if there is none. free() *ret. */
int vfa_connect_get_requests(virDomainPtr domain, unsigned affect, char **ret,
                             struct vfa_error *err);
/* Replaces the <requests> element; requests: NULL removes it. */
int vfa_connect_set_requests(virDomainPtr domain, unsigned affect, const char *requests,
                             struct vfa_error *err);

#endif
