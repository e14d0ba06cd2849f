/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias explain: the verdict on each device for an alias, or for a domain's request of that
 * alias. Nothing is changed: the hook's own code runs on a copy of the state (claim/explain.h).
 *
 * The devices are printed on stdout in any case. If a start would be refused, the reason is one
 * line on stderr, and the exit status is 1.
 */

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "host/host.h"
#include "choose/resolve.h"
#include "choose/verdict.h"
#include "claim/check.h"
#include "claim/explain.h"
#include "helpers/shared/virt-error.h"
#include "cmd-host.h"
#include "cmd.h"
#include "connect.h"
#include "domain-file.h"
#include "json-out.h"
#include "pci-names.h"
#include "table.h"
#include "verbs.h"
#include "view.h"

struct question {
    const struct vfa_alias *alias;
    struct vfa_domain *domain; /* NULL: any domain */
    bool running;
    bool all;
};

/* ---- arguments ---- */

static const struct vfa_alias *find_alias_or_fail(const struct vfa_config *config, const char *name)
{
    const struct vfa_alias *alias = vfa_config_alias(config, name);
    VFA_AUTO(vfa_freep) char *known = alias ? NULL : vfa_config_alias_names(config, "");

    if (alias)
        return alias;
    if (config->n_aliases)
        vfa_cmd_fail_usage("no alias '%s' on this host, only: %s", name, known ? known : "");
    else
        vfa_cmd_fail_usage("no alias '%s' on this host: none is configured", name);
    return NULL;
}

static int load_domain(const struct vfa_cmd_context *ctx, const char *name, struct question *q,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr domain = NULL;
    int active, r = vfa_connect_both(ctx, name, &conn, &domain, err);

    if (r < 0)
        return r;
    active = virDomainIsActive(domain);
    if (active < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", name);
    q->running = active;
    return vfa_connect_parse(domain, active ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG,
                             &q->domain, err);
}

/* ---- result ---- */

static bool is_row_listed(const struct vfa_explained *row, bool all)
{
    return all || (row->verdict != VFA_VERDICT_NOT_ALLOWED && row->verdict != VFA_VERDICT_ALIAS);
}

static struct json_object *describe_explanation(bool *oom, const struct question *q,
                                                const struct vfa_explanation *e)
{
    struct json_object *array = vfa_json_make_array(oom);

    for (size_t i = 0; i < e->n; i++) {
        const struct vfa_explained *row = &e->rows[i];
        struct json_object *object;

        if (!is_row_listed(row, q->all))
            continue;
        object = vfa_json_make_object(oom);
        vfa_json_set_text(oom, object, "address", row->device->dev->id);
        vfa_json_set_text(oom, object, "verdict",
                          row->chosen                             ? "chosen"
                          : row->verdict == VFA_VERDICT_CANDIDATE ? "candidate"
                                                                  : "dropped");
        vfa_view_set_reason(oom, object, row->verdict, row->detail);
        vfa_json_set_number(oom, object, "order", row->order ? (int64_t)row->order : -1);
        vfa_json_set_text(oom, object, "request", row->request);
        vfa_json_push(oom, array, object);
    }
    return array;
}

static int print_explanation_json(const struct question *q, const struct vfa_explanation *e)
{
    bool oom = false;
    struct json_object *array = describe_explanation(&oom, q, e);

    return vfa_json_print(oom, array);
}

static void add_verdict(struct vfa_table *table, const struct vfa_explained *row)
{
    if (row->chosen && row->request)
        vfa_table_cellf(table, VFA_TABLE_GREEN, "chosen for %s", row->request);
    else if (row->chosen)
        vfa_table_cell(table, VFA_TABLE_GREEN, "chosen");
    else if (row->verdict != VFA_VERDICT_CANDIDATE)
        vfa_view_cell_reason(table, row->verdict, row->detail);
    else if (*row->detail)
        vfa_table_cellf(table, VFA_TABLE_YELLOW, "candidate: %s", row->detail);
    else
        vfa_table_cell(table, VFA_TABLE_PLAIN, "candidate");
}

static void add_explained_row(struct vfa_table *table, struct vfa_pci_names *names,
                              const struct vfa_explained *row)
{
    const struct vfa_device *dev = row->device->dev;
    vfa_table_cell_number(table, row->order ? (long)row->order : -1);
    vfa_table_cell(table, VFA_TABLE_PLAIN, dev->id);
    vfa_view_cell_type(table, dev->type);
    vfa_table_cell_number(table, dev->numa_node);
    add_verdict(table, row);
    vfa_view_cell_name(table, names, dev);
}

/* Prints alias, domain and NUMA placement in one line: verdicts on NUMA nodes depend on them. */
static void print_question(const struct question *q, const struct vfa_explanation *e)
{
    char nodes[64];

    printf("alias '%s'", q->alias->name);
    if (q->domain)
        printf(", domain '%s' (%s)", q->domain->name, q->running ? "running" : "to be started");
    if (!vfa_bitset_empty(&e->criteria.place.nodes))
        printf(", NUMA nodes %s, policy '%s'",
               vfa_bitset_format(&e->criteria.place.nodes, nodes, sizeof(nodes)),
               vfa_numa_policy_name(e->criteria.policy));
    putchar('\n');
}

static void print_unlisted(const struct question *q, const struct vfa_explanation *e)
{
    size_t others = 0, forbidden = 0;

    for (size_t i = 0; i < e->n; i++) {
        others += e->rows[i].verdict == VFA_VERDICT_ALIAS;
        forbidden += e->rows[i].verdict == VFA_VERDICT_NOT_ALLOWED;
    }
    if (!q->all && others + forbidden)
        printf("not listed (see --all): %zu %s, %zu %s\n", others,
               vfa_verdict_name(VFA_VERDICT_ALIAS), forbidden,
               vfa_verdict_name(VFA_VERDICT_NOT_ALLOWED));
}

static int print_explanation_table(const struct question *q, const struct vfa_explanation *e)
{
    static const char *const headers[] = {"ORDER", "ADDRESS", "TYPE", "NUMA", "VERDICT", "NAME"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));
    VFA_AUTO(vfa_pci_names_closep) struct vfa_pci_names *names = vfa_pci_names_open();
    size_t listed = 0;
    int status = VFA_CMD_FINE;

    for (size_t i = 0; table && i < e->n; i++) {
        if (!is_row_listed(&e->rows[i], q->all))
            continue;
        add_explained_row(table, names, &e->rows[i]);
        listed++;
    }
    print_question(q, e);
    if (listed > 0 || !table)
        status = vfa_table_print(table);
    print_unlisted(q, e);
    return status;
}

/* Whether a start would be refused because vfaliasd does not run. vfa_explain() does not check
 * this, because it knows the state only. An error of vfa_check_requests() has priority. */
static int check_daemon_for_start(const struct vfa_cmd_context *ctx, const struct question *q,
                                  struct vfa_error *err)
{
    if (!q->domain || q->running || ctx->foreign ||
        vfa_check_requests(ctx->config, q->domain, NULL) != 0)
        return 0;
    return vfa_check_daemon(ctx->config, q->domain, err);
}

static int print_refusal(const struct vfa_cmd_context *ctx, const struct question *q,
                         const struct vfa_explanation *e)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (check_daemon_for_start(ctx, q, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (e->refusal)
        return vfa_cmd_fail("%s", e->refusal);
    if (!e->granted)
        return vfa_cmd_fail("nothing is free for alias '%s'", q->alias->name);
    return VFA_CMD_FINE;
}

static int explain_of(const struct vfa_cmd_context *ctx, const struct question *q,
                      struct vfa_host *host, struct vfa_explanation *ret, struct vfa_error *err)
{
    int r = vfa_cmd_open_host(ctx, VFA_CMD_HOST_COPY, host, err);

    return r < 0 ? r : vfa_explain(host, q->alias, q->domain, q->running, ret, err);
}

static int explain_alias(const struct vfa_cmd_context *ctx, const struct question *q, bool json)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_explanation_clear) struct vfa_explanation e = {0};
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int status;

    if (explain_of(ctx, q, &host, &e, &err) < 0)
        return vfa_cmd_fail_error(&err);
    status = json ? print_explanation_json(q, &e) : print_explanation_table(q, &e);
    return status == VFA_CMD_FINE ? print_refusal(ctx, q, &e) : status;
}

/* ---- a chain: the same for each of its aliases ---- */

struct chain_answer {
    const struct vfa_alias *taken; /* the first alias that would serve the requests, or NULL */
    struct json_object *rungs;     /* NULL: tables */
    bool oom;
};

static void print_rung(const struct question *q, const struct vfa_explanation *e,
                       struct chain_answer *answer)
{
    bool first = !answer->taken && e->granted;
    struct json_object *object;

    if (first)
        answer->taken = q->alias;
    if (!answer->rungs) {
        printf("\n%s: %s\n", q->alias->name,
               first        ? "would be taken"
               : e->granted ? "not needed"
               : e->why     ? e->why
                            : "nothing is free");
        print_explanation_table(q, e);
        return;
    }
    object = vfa_json_make_object(&answer->oom);
    vfa_json_set_text(&answer->oom, object, "alias", q->alias->name);
    vfa_json_set_text(&answer->oom, object, "why_not", e->granted ? NULL : e->why);
    vfa_json_set(&answer->oom, object, "devices", describe_explanation(&answer->oom, q, e));
    vfa_json_push(&answer->oom, answer->rungs, object);
}

/* The domain as if its requests for the chain were for one of its aliases. */
static int explain_rung(const struct vfa_cmd_context *ctx, const struct question *chain,
                        const struct vfa_alias *rung, struct chain_answer *answer,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_explanation_clear) struct vfa_explanation e = {0};
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    struct vfa_request requests[VFA_REQUEST_MAX];
    struct vfa_domain domain = chain->domain ? *chain->domain : (struct vfa_domain){.name = NULL};
    struct question q = *chain;
    int r;

    for (size_t i = 0; i < domain.n_requests && i < ARRAY_SIZE(requests); i++) {
        requests[i] = domain.requests[i];
        if (vfa_resolve_alias(ctx->config, &requests[i]) == chain->alias)
            requests[i].alias = rung->name;
    }
    domain.requests = requests;
    q.domain = chain->domain ? &domain : NULL;
    q.alias = rung;
    r = explain_of(ctx, &q, &host, &e, err);
    if (r == 0)
        print_rung(&q, &e, answer);
    return r;
}

static int print_chain_json(const struct question *q, struct chain_answer *answer)
{
    struct json_object *root = vfa_json_make_object(&answer->oom);

    vfa_json_set_text(&answer->oom, root, "alias", q->alias->name);
    vfa_json_set_text(&answer->oom, root, "taken", answer->taken ? answer->taken->name : NULL);
    vfa_json_set(&answer->oom, root, "rungs", answer->rungs);
    return vfa_json_print(answer->oom, root);
}

/* Whether all requests for the chain would be served, some of one alias, some of another one, and
 * whether the start would be refused. Without a domain, nothing is forbidden. */
static int judge_chain(const struct vfa_cmd_context *ctx, const struct question *q,
                       const struct chain_answer *answer)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_explanation_clear) struct vfa_explanation e = {.granted = answer->taken != NULL};
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;

    if (q->domain && explain_of(ctx, q, &host, &e, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return print_refusal(ctx, q, &e);
}

static int explain_chain(const struct vfa_cmd_context *ctx, const struct question *q, bool json)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct chain_answer answer = {.oom = false};
    int status = VFA_CMD_FINE, r = 0;

    if (json)
        answer.rungs = vfa_json_make_array(&answer.oom);
    else
        printf("alias '%s': the first of %zu aliases that can serve a request\n", q->alias->name,
               q->alias->n_any_of);
    for (size_t i = 0; r == 0 && i < q->alias->n_any_of; i++)
        r = explain_rung(ctx, q, vfa_config_chained(ctx->config, q->alias, i), &answer, &err);
    if (json)
        status = print_chain_json(q, &answer);
    if (r < 0)
        return vfa_cmd_fail_error(&err);
    return status == VFA_CMD_FINE ? judge_chain(ctx, q, &answer) : status;
}

int vfa_cmd_explain(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct question q = {0};
    bool json = false;
    const char *xml = NULL, *operands[2];
    const struct vfa_cmd_flag flags[] = {
        {"all", &q.all, NULL}, {"json", &json, NULL}, {"xml", NULL, &xml}};
    const struct vfa_cmd_syntax syntax = {
        "explain", flags, ARRAY_SIZE(flags), {"ALIAS", "[DOMAIN]", NULL}};
    int status, r = 0;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    if (xml && operands[1])
        return vfa_cmd_fail_usage("explain: --xml excludes a DOMAIN");
    q.alias = find_alias_or_fail(ctx->config, operands[0]);
    if (!q.alias)
        return VFA_CMD_USAGE;
    if (xml)
        r = vfa_domain_file_read(xml, &q.domain, &err);
    else if (operands[1])
        r = load_domain(ctx, operands[1], &q, &err);
    if (r < 0)
        status = vfa_cmd_fail_error(&err);
    else
        status = q.alias->any_of ? explain_chain(ctx, &q, json) : explain_alias(ctx, &q, json);
    vfa_domain_free(q.domain);
    return status;
}
