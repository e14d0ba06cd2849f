/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See connect.h. libvirt's environment variables for a default URI are not used: the configuration
 * sets the URI for vfaliasd and the command line. */

#include "connect.h"

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "helpers/shared/virt-error.h"
#include "helpers/shared/virt-uri.h"
#include "cmd.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <libxml/uri.h>
#include <string.h>

int vfa_connect_open(const struct vfa_cmd_context *ctx, virConnectPtr *ret, struct vfa_error *err)
{
    const char *uri = ctx->connect_uri ? ctx->connect_uri : ctx->config->libvirt_uri;

    vfa_virt_quiet();
    *ret = virConnectOpen(uri);
    return *ret ? 0 : vfa_virt_fail(err, "cannot connect to libvirt at '%s'", uri);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Compares driver, path (system or session) and query (the socket), not the transport. */
static bool is_same_libvirt(const char *a, const char *b)
{
    xmlURIPtr x = xmlParseURI(a), y = xmlParseURI(b);
    bool same = x && y && x->scheme && y->scheme && same_text(x->path, y->path) &&
                same_text(x->query_raw, y->query_raw);

    if (same) {
        size_t n = strcspn(x->scheme, "+");

        same = n == strcspn(y->scheme, "+") && strncmp(x->scheme, y->scheme, n) == 0;
    }
    xmlFreeURI(x);
    xmlFreeURI(y);
    return same;
}

int vfa_connect_check_here(const struct vfa_cmd_context *ctx, virConnectPtr conn,
                           struct vfa_error *err)
{
    const char *configured = ctx->config->libvirt_uri;
    VFA_AUTO(vfa_freep) char *uri = virConnectGetURI(conn);

    if (!uri)
        return vfa_virt_fail(err, "cannot ask for the URI of the connection");
    if (vfa_virt_names_host(uri))
        return vfa_fail(
            err, ENOTSUP,
            "cannot use devices of this host for domains of another host: run this command on the host of '%s'",
            uri);
    if (ctx->connect_uri && strcmp(ctx->connect_uri, configured) != 0 &&
        !is_same_libvirt(uri, configured))
        return vfa_fail(err, ENOTSUP,
                        "cannot change claims for the domains of '%s': the claims of this host are "
                        "those of '%s' (libvirt_uri): leave out --connect",
                        uri, configured);
    return 0;
}

int vfa_connect_domain(virConnectPtr conn, const char *name, virDomainPtr *ret,
                       struct vfa_error *err)
{
    *ret = virDomainLookupByName(conn, name);
    if (!*ret)
        *ret = virDomainLookupByUUIDString(conn, name);
    if (*ret)
        return 0;
    if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN || virGetLastErrorCode() == VIR_ERR_INVALID_ARG)
        return vfa_fail(err, ENOENT, "no domain '%s'", name);
    return vfa_virt_fail(err, "cannot look for domain '%s'", name);
}

int vfa_connect_both(const struct vfa_cmd_context *ctx, const char *name, virConnectPtr *ret_conn,
                     virDomainPtr *ret_domain, struct vfa_error *err)
{
    int r = vfa_connect_open(ctx, ret_conn, err);

    return r < 0 ? r : vfa_connect_domain(*ret_conn, name, ret_domain, err);
}

int vfa_connect_xml(virDomainPtr domain, unsigned affect, char **ret, struct vfa_error *err)
{
    const unsigned flags = affect == VIR_DOMAIN_AFFECT_CONFIG ? VIR_DOMAIN_XML_INACTIVE : 0;

    *ret = virDomainGetXMLDesc(domain, flags);
    return *ret
               ? 0
               : vfa_virt_fail(err, "cannot read the XML of domain '%s'", virDomainGetName(domain));
}

int vfa_connect_parse(virDomainPtr domain, unsigned affect, struct vfa_domain **ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *xml = NULL;
    int r = vfa_connect_xml(domain, affect, &xml, err);

    if (r < 0)
        return r;
    if (vfa_domxml_parse(xml, strlen(xml), ret, err) < 0)
        return vfa_wrap(err, "domain '%s'", virDomainGetName(domain));
    return 0;
}

int vfa_connect_get_requests(virDomainPtr domain, unsigned affect, char **ret,
                             struct vfa_error *err)
{
    *ret = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, VFA_NS, affect);
    if (*ret || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN_METADATA)
        return 0;
    return vfa_virt_fail(err, "cannot read the requests of domain '%s'", virDomainGetName(domain));
}

int vfa_connect_set_requests(virDomainPtr domain, unsigned affect, const char *requests,
                             struct vfa_error *err)
{
    if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, requests, VFA_NS_PREFIX, VFA_NS,
                             affect) == 0)
        return 0;
    return vfa_virt_fail(err, "cannot change the requests of domain '%s'",
                         virDomainGetName(domain));
}
