/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias request remove. A port's label is a request by itself, also without metadata, so the
 * label is removed first; the port stays, without a label. Ports of a running domain cannot be
 * changed: there, the label remains a request until the domain stops.
 */

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "request-verbs.h"
#include "request.h"

#include <errno.h>
#include <string.h>

/* The requests to remove: the request with that name, else all with that alias; NULL at the end. */
struct removal {
    const struct vfa_request *items[VFA_REQUEST_MAX + 1];
    bool metadata; /* at least one of them is in the metadata */
};

static void select_removed(const struct vfa_domain *domain, const char *what, struct removal *ret)
{
    const struct vfa_request *by_name = vfa_domain_request(domain, what);
    size_t n = 0;

    for (size_t i = 0; i < domain->n_requests && n < VFA_REQUEST_MAX; i++) {
        const struct vfa_request *request = &domain->requests[i];

        if (by_name ? request != by_name : strcmp(request->alias, what) != 0)
            continue;
        ret->items[n++] = request;
        ret->metadata = ret->metadata || !request->from_port;
    }
    ret->items[n] = NULL;
}

static int remove_labels(virDomainPtr domain, const struct vfa_domain *definition,
                         const struct removal *removal, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && removal->items[i]; i++) {
        if (vfa_request_has_label(definition, removal->items[i]->name))
            r = vfa_request_remove_label(domain, removal->items[i]->name, err);
        if (r == 0)
            r = vfa_request_remove_cold(domain, definition, removal->items[i]->name, err);
    }
    return r;
}

static void warn_of_labels(const struct vfa_domain *live, const struct removal *removal)
{
    for (size_t i = 0; removal->items[i]; i++) {
        if (vfa_request_has_label(live, removal->items[i]->name))
            fprintf(
                stderr,
                "vfalias: warning: domain '%s' has a port labelled for '%s', which remains a request until the domain stops: detach the device with virsh\n",
                live->name, removal->items[i]->name);
    }
}

static int remove_metadata(virDomainPtr domain, unsigned affect, const char *what,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *requests = NULL;
    VFA_AUTO(vfa_freep) char *rest = NULL;
    int r = vfa_connect_get_requests(domain, affect, &requests, err);

    if (r == 0)
        r = vfa_domxml_requests_remove(requests, what, &rest, err);
    return r < 0 ? r : vfa_connect_set_requests(domain, affect, rest, err);
}

static void print_removed(const struct vfa_domain *domain, unsigned affect,
                          const struct removal *removal)
{
    for (size_t i = 0; removal->items[i]; i++) {
        if (affect == VIR_DOMAIN_AFFECT_CONFIG || !removal->items[i]->from_port)
            printf("request '%s' removed from domain '%s' (%s)\n", removal->items[i]->name,
                   domain->name, vfa_request_scope_name(affect));
    }
}

/* -ENOENT: no such request. */
static int remove_from(virDomainPtr domain, unsigned affect, const char *what,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *parsed = NULL;
    struct removal removal = {0};
    int r = vfa_connect_parse(domain, affect, &parsed, err);

    if (r < 0)
        return r;
    select_removed(parsed, what, &removal);
    if (affect == VIR_DOMAIN_AFFECT_CONFIG)
        r = remove_labels(domain, parsed, &removal, err);
    if (r == 0 && (removal.metadata || !removal.items[0]))
        r = remove_metadata(domain, affect, what, err);
    if (r == 0)
        print_removed(parsed, affect, &removal);
    if (r == 0 && affect == VIR_DOMAIN_AFFECT_LIVE)
        warn_of_labels(parsed, &removal);
    return r;
}

/* Success if at least one of the XMLs had the request. */
static int remove_request(virDomainPtr domain, unsigned affect, const char *what,
                          struct vfa_error *err)
{
    static const unsigned both[] = {VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};
    bool removed = false;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(both) && (r == 0 || r == -ENOENT); i++) {
        if (!(affect & both[i]))
            continue;
        vfa_error_clear(err);
        r = remove_from(domain, both[i], what, err);
        removed = removed || r == 0;
    }
    if (r == -ENOENT && removed) {
        vfa_error_clear(err);
        r = 0;
    }
    return r;
}

int vfa_request_remove(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr domain = NULL;
    struct vfa_request_scope scope = {0};
    const struct vfa_cmd_flag flags[] = {
        {"live", &scope.live, NULL},
        {"config", &scope.config, NULL},
        {"current", &scope.current, NULL},
    };
    const struct vfa_cmd_syntax syntax = {
        "request remove", flags, ARRAY_SIZE(flags), {"DOMAIN", "WHAT", NULL}};
    const char *operands[2];
    unsigned affect;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    if (!vfa_request_scope_ok(syntax.verb, &scope))
        return VFA_CMD_USAGE;
    if (vfa_connect_both(ctx, operands[0], &conn, &domain, &err) < 0 ||
        vfa_request_scope_resolve(&scope, domain, &affect, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (remove_request(domain, affect, operands[1], &err) < 0)
        return vfa_cmd_fail("domain '%s' (%s): %s", operands[0], vfa_request_scope_name(affect),
                            vfa_error_text(&err));
    return VFA_CMD_FINE;
}
