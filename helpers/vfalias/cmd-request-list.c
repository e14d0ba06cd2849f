/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias request list: each request of a domain, which of the domain's two XMLs has it, and its
 * claim. Requests come from libvirt, claims from the state.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "choose/resolve.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "json-out.h"
#include "request-verbs.h"
#include "table.h"

#include <string.h>

struct request_sources {
    const struct vfa_config *config;
    struct vfa_domain *live;       /* NULL: the domain does not run */
    struct vfa_domain *definition; /* NULL: the domain is transient */
    struct vfa_claims claims;
    struct vfa_state *state; /* NULL: no state file */
};

static void request_sources_clear(struct request_sources *sources)
{
    vfa_domain_free(sources->live);
    vfa_domain_free(sources->definition);
    vfa_claims_clear(&sources->claims);
    vfa_state_close(sources->state);
}

/* One row of the list. All pointers are borrowed. */
struct line {
    const struct vfa_request *request;
    bool live, config;
    const struct vfa_claim *claim; /* NULL: no claim */
    const char *state;             /* the claim's, "withdrawn", or NULL */
    bool known;                    /* `summary` is set: from the request's element or its alias */
    struct vfa_element_summary summary;
};

static int load_sources(const struct vfa_cmd_context *ctx, virDomainPtr domain,
                        struct request_sources *ret, struct vfa_error *err)
{
    int active = virDomainIsActive(domain), persistent = virDomainIsPersistent(domain);
    char uuid[VIR_UUID_STRING_BUFLEN];
    int r = 0;

    ret->config = ctx->config;
    if (active < 0 || persistent < 0 || virDomainGetUUIDString(domain, uuid) < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", virDomainGetName(domain));
    if (active)
        r = vfa_connect_parse(domain, VIR_DOMAIN_AFFECT_LIVE, &ret->live, err);
    if (r == 0 && persistent)
        r = vfa_connect_parse(domain, VIR_DOMAIN_AFFECT_CONFIG, &ret->definition, err);
    if (r == 0)
        r = vfa_cmd_open_state(ctx, &ret->state, err);
    if (r == 0 && ret->state)
        r = vfa_state_claims(ret->state, uuid, &ret->claims, err);
    return r;
}

/* Fills line->summary. Without the alias on this host, it comes from the request's element only. */
static int summarize_line(const struct request_sources *sources, const struct vfa_domain *domain,
                          struct line *line, struct vfa_error *err)
{
    static const struct vfa_alias unknown = {.attach = VFA_ATTACH_INTERFACE};
    const struct vfa_alias *alias = vfa_resolve_alias(sources->config, line->request);

    line->known = alias || line->request->template_xml;
    return line->known ? vfa_domxml_summarize(domain, line->request, alias ? alias : &unknown,
                                              &line->summary, err)
                       : 0;
}

static int make_line(const struct request_sources *sources, const struct vfa_request *request,
                     struct line *ret, struct vfa_error *err)
{
    const struct vfa_domain *any = sources->live ? sources->live : sources->definition;
    bool withdrawn = false;
    int r = 0;

    ret->request = request;
    ret->live = sources->live && vfa_domain_request(sources->live, request->name);
    ret->config = sources->definition && vfa_domain_request(sources->definition, request->name);
    ret->claim = vfa_claims_find(&sources->claims, request->name);
    if (!ret->claim && sources->state)
        r = vfa_state_is_withdrawn(sources->state, any->uuid, request->name, &withdrawn, err);
    ret->state = ret->claim  ? vfa_claim_state_name(ret->claim->state)
                 : withdrawn ? "withdrawn"
                             : NULL;
    return r == 0 ? summarize_line(sources, any, ret, err) : r;
}

/* Adds a line for each request of `domain` that `but` (may be NULL) does not have. */
static int collect_lines(const struct request_sources *sources, const struct vfa_domain *domain,
                         const struct vfa_domain *but, struct line *lines, size_t *n,
                         struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && domain && i < domain->n_requests; i++) {
        const struct vfa_request *request = &domain->requests[i];

        if (!but || !vfa_domain_request(but, request->name))
            r = make_line(sources, request, &lines[(*n)++], err);
    }
    return r;
}

static const char *line_element(const struct line *line)
{
    return line->known ? line->summary.element : NULL;
}

static const char *line_mac(const struct line *line)
{
    return *line->summary.mac ? line->summary.mac : NULL;
}

static int print_requests_json(const struct line *lines, size_t n)
{
    bool oom = false;
    struct json_object *array = vfa_json_make_array(&oom);

    for (size_t i = 0; i < n; i++) {
        const struct line *line = &lines[i];
        struct json_object *object = vfa_json_make_object(&oom);

        vfa_json_set_text(&oom, object, "name", line->request->name);
        vfa_json_set_text(&oom, object, "alias", line->request->alias);
        vfa_json_set_text(&oom, object, "element", line_element(line));
        vfa_json_set_text(&oom, object, "mac", line_mac(line));
        vfa_json_set_number(&oom, object, "vlan",
                            line->summary.vlan ? (int)line->summary.vlan : -1);
        vfa_json_set_bool(&oom, object, "optional", line->request->optional);
        vfa_json_set_bool(&oom, object, "live", line->live);
        vfa_json_set_bool(&oom, object, "config", line->config);
        vfa_json_set_bool(&oom, object, "port", line->request->from_port);
        vfa_json_set_text(&oom, object, "device", line->claim ? line->claim->device : NULL);
        vfa_json_set_text(&oom, object, "state", line->state);
        vfa_json_set_text(&oom, object, "error", line->claim ? line->claim->error : NULL);
        vfa_json_push(&oom, array, object);
    }
    return vfa_json_print(oom, array);
}

static const char *line_origin(const struct line *line)
{
    if (line->live && line->config)
        return "live, config";
    return line->live ? "live" : "config";
}

static int print_requests_table(const struct line *lines, size_t n)
{
    static const char *const headers[] = {"REQUEST", "ALIAS", "OPTIONAL", "FROM",  "ELEMENT",
                                          "MAC",     "VLAN",  "DEVICE",   "STATE", "ERROR"};
    VFA_AUTO(vfa_table_freep)
    struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    if (n == 0) {
        printf("no requests\n");
        return VFA_CMD_FINE;
    }
    for (size_t i = 0; table && i < n; i++) {
        const struct line *line = &lines[i];

        vfa_table_cell(table, VFA_TABLE_PLAIN, line->request->name);
        vfa_table_cell(table, VFA_TABLE_PLAIN, line->request->alias);
        vfa_table_cell(table, VFA_TABLE_PLAIN, line->request->optional ? "yes" : "no");
        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%s%s", line_origin(line),
                        line->request->from_port ? " (port)" : "");
        vfa_table_cell(table, VFA_TABLE_PLAIN, line_element(line));
        vfa_table_cell(table, VFA_TABLE_PLAIN, line_mac(line));
        if (line->summary.vlan)
            vfa_table_cellf(table, VFA_TABLE_PLAIN, "%u", line->summary.vlan);
        else
            vfa_table_cell(table, VFA_TABLE_PLAIN, NULL);
        vfa_table_cell(table, VFA_TABLE_PLAIN, line->claim ? line->claim->device : NULL);
        vfa_table_cell(table, VFA_TABLE_PLAIN, line->state);
        vfa_table_cell(table, VFA_TABLE_RED, line->claim ? line->claim->error : NULL);
    }
    return vfa_table_print(table);
}

static int print_requests(const struct request_sources *sources, bool json, struct vfa_error *err)
{
    size_t room = (sources->live ? sources->live->n_requests : 0) +
                  (sources->definition ? sources->definition->n_requests : 0);
    VFA_AUTO(vfa_freep) struct line *lines = calloc(room + 1, sizeof(*lines));
    size_t n = 0;
    int r;

    if (!lines)
        return vfa_fail_oom(err);
    r = collect_lines(sources, sources->live, NULL, lines, &n, err);
    if (r == 0)
        r = collect_lines(sources, sources->definition, sources->live, lines, &n, err);
    if (r < 0)
        return r;
    return json ? print_requests_json(lines, n) : print_requests_table(lines, n);
}

int vfa_request_list(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr domain = NULL;
    VFA_AUTO(request_sources_clear) struct request_sources sources = {.config = NULL};
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {
        "request list", flags, ARRAY_SIZE(flags), {"DOMAIN", NULL}};
    const char *name;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, &name, &status))
        return status;
    if (vfa_connect_both(ctx, name, &conn, &domain, &err) < 0 ||
        load_sources(ctx, domain, &sources, &err) < 0)
        return vfa_cmd_fail_error(&err);
    status = print_requests(&sources, json, &err);
    return status < 0 ? vfa_cmd_fail_error(&err) : status;
}
