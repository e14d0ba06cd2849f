/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias request add. With --port, each device gets a root port of its own with a label that names
 * the request; with --cold, each device stands in the definition with a user alias that names it.
 * The request names are then written into the metadata, so that neither ever matches another
 * request. Ports are added before the metadata: vfaliasd reacts to the metadata change and
 * must find no port missing.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/tags.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "domain/extraspec.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "request-cold.h"
#include "request-element.h"
#include "request-verbs.h"
#include "request.h"

#include <string.h>

struct add {
    const struct vfa_config *config;
    /* the arguments */
    const char *domain;
    const char *alias_list;
    const char *name;
    const char *count_text, *numa_text;
    const char *tag_texts[VFA_CMD_REPEAT_MAX + 1];
    bool optional, late, port, cold, force, has_tags;
    struct vfa_request_scope scope;
    struct vfa_request_element element;
    /* the parsed values */
    struct vfa_extraspec asked;
    enum vfa_numa_policy numa;
    struct vfa_tags tags;
};

/* The <requests> of one XML: before the edits, and after them. */
struct edit {
    unsigned affect;
    char *requests;
};

struct names {
    char *items[VFA_REQUEST_MAX];
    uint32_t n; /* 0: no names are written into the metadata */
};

static void add_clear(struct add *add)
{
    vfa_extraspec_clear(&add->asked);
    vfa_tags_clear(&add->tags);
}

static void edit_clear(struct edit *edit)
{
    free(edit->requests);
}

static void names_clear(struct names *names)
{
    for (uint32_t i = 0; i < names->n; i++)
        free(names->items[i]);
}

/* ---- arguments ---- */

static int refuse_alias(const struct vfa_config *config, const char *alias)
{
    VFA_AUTO(vfa_freep) char *known = vfa_config_alias_names(config, "");

    if (config->n_aliases == 0)
        return vfa_cmd_fail_usage(
            "no alias '%s' on this host: none is configured (--force writes the request anyway)",
            alias);
    return vfa_cmd_fail_usage(
        "no alias '%s' on this host, only: %s (--force writes the request anyway)", alias,
        known ? known : "");
}

/* The given option that excludes a list; NULL: there is none. */
static const char *single_option(const struct add *add)
{
    return add->name         ? "name"
           : add->count_text ? "count"
           : add->port       ? "port"
           : add->cold       ? "cold"
                             : vfa_request_element_option(&add->element);
}

/* ALIAS, ALIAS:COUNT or a list. A text that equals an alias' name means that alias, even if the
 * name contains ':' or ','. */
static int read_alias_list(const struct vfa_config *config, struct add *add)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r;

    if (!vfa_config_alias(config, add->alias_list)) {
        const char *single = strchr(add->alias_list, ',') ? single_option(add) : NULL;

        if (single)
            return vfa_cmd_fail_usage("request add: --%s is for one alias, not for a list", single);
        r = vfa_extraspec_parse(add->alias_list, &add->asked, &err);
        return r < 0 ? vfa_cmd_fail_usage("request add: %s", vfa_error_text(&err)) : VFA_CMD_FINE;
    }
    add->asked.items = calloc(1, sizeof(*add->asked.items));
    if (!add->asked.items)
        return vfa_cmd_fail("out of memory");
    add->asked.n = 1;
    add->asked.items[0].count = 1;
    add->asked.items[0].alias = strdup(add->alias_list);
    return add->asked.items[0].alias ? VFA_CMD_FINE : vfa_cmd_fail("out of memory");
}

static int read_count_option(struct add *add)
{
    struct vfa_extraspec_item *first = &add->asked.items[0];

    if (!add->count_text)
        return VFA_CMD_FINE;
    if (first->counted)
        return vfa_cmd_fail_usage("request add: '%s' has a count already: leave out --count",
                                  add->alias_list);
    if (vfa_parse_u32(add->count_text, VFA_REQUEST_MAX, &first->count) < 0 || first->count == 0)
        return vfa_cmd_fail_usage("request add: count '%s' is not in 1 to %d", add->count_text,
                                  VFA_REQUEST_MAX);
    return VFA_CMD_FINE;
}

/* Element options exist for a single alias only: read_alias_list() refuses them for a list. */
static int read_element_options(const struct vfa_config *config, struct add *add)
{
    const struct vfa_extraspec_item *item = &add->asked.items[0];

    return vfa_request_element_option(&add->element)
               ? vfa_request_element_read(&add->element, vfa_config_alias(config, item->alias),
                                          item->count)
               : VFA_CMD_FINE;
}

static int check_cold_option(const struct vfa_config *config, const struct add *add)
{
    if (!add->cold)
        return VFA_CMD_FINE;
    if (add->optional)
        return vfa_cmd_fail_usage(
            "request add: --optional: a domain cannot start without a device that is in its definition (--cold)");
    return vfa_request_cold_check(vfa_config_alias(config, add->asked.items[0].alias));
}

/* Refuses unknown aliases. Replaces a name that is not allowed in XML with the alias' xml_name. */
static int check_aliases(const struct vfa_config *config, struct add *add)
{
    for (size_t i = 0; i < add->asked.n; i++) {
        struct vfa_extraspec_item *item = &add->asked.items[i];
        const struct vfa_alias *alias = vfa_config_alias(config, item->alias);

        if (!alias && !add->force)
            return refuse_alias(config, item->alias);
        if (!alias || !alias->xml_name || add->name || vfa_alias_name_ok(item->alias))
            continue;
        free(item->alias);
        item->alias = strdup(alias->xml_name);
        if (!item->alias)
            return vfa_cmd_fail("out of memory");
    }
    return VFA_CMD_FINE;
}

static int read_tag_option(const struct vfa_config *config, const char *text, struct add *add)
{
    const char *equal = strchr(text, '=');
    VFA_AUTO(vfa_freep) char *key = equal ? strndup(text, (size_t)(equal - text)) : NULL;

    if (!equal || equal == text)
        return vfa_cmd_fail_usage("request add: tag '%s' is not KEY=VALUE", text);
    if (!key)
        return vfa_cmd_fail("out of memory");
    if (vfa_tags_get(&add->tags, key))
        return vfa_cmd_fail_usage("request add: tag '%s' is there twice", key);
    if (!add->force && !vfa_config_sets_tag(config, key))
        return vfa_cmd_fail_usage(
            "no device_spec on this host sets a tag '%s' (--force writes the request anyway)", key);
    return vfa_tags_set(&add->tags, key, equal + 1, NULL) < 0 ? vfa_cmd_fail("out of memory")
                                                              : VFA_CMD_FINE;
}

static int read_request_options(const struct vfa_config *config, struct add *add)
{
    int status = VFA_CMD_FINE;

    if (add->late && !add->optional)
        return vfa_cmd_fail_usage("request add: --late is for optional requests: add --optional");
    if (add->numa_text && vfa_numa_policy_parse(add->numa_text, &add->numa) < 0)
        return vfa_cmd_fail_usage(
            "request add: numa '%s' is none of required, preferred, legacy, socket",
            add->numa_text);
    for (size_t i = 0; status == VFA_CMD_FINE && add->tag_texts[i]; i++)
        status = read_tag_option(config, add->tag_texts[i], add);
    return status;
}

static int read_arguments(const struct vfa_cmd_context *ctx, struct add *add)
{
    int status = read_alias_list(ctx->config, add);

    if (status == VFA_CMD_FINE)
        status = read_count_option(add);
    if (status == VFA_CMD_FINE)
        status = read_request_options(ctx->config, add);
    if (status == VFA_CMD_FINE && !vfa_request_scope_ok("request add", &add->scope))
        status = VFA_CMD_USAGE;
    if (status == VFA_CMD_FINE)
        status = read_element_options(ctx->config, add);
    if (status == VFA_CMD_FINE)
        status = check_cold_option(ctx->config, add);
    return status == VFA_CMD_FINE ? check_aliases(ctx->config, add) : status;
}

/* ---- names, for labelled ports and devices of the definition ---- */

/* With --name: NAME for one device, NAME-0 ... for several. Else ALIAS-N with the next free N. */
static int make_request_name(const struct add *add, const struct vfa_domain *domain, uint32_t i,
                             unsigned *number, char **ret)
{
    const struct vfa_extraspec_item *item = &add->asked.items[0]; /* no list: read_alias_list() */
    char *name = NULL;
    int r;

    if (add->name && item->count == 1)
        r = asprintf(&name, "%s", add->name);
    else if (add->name)
        r = asprintf(&name, "%s-%u", add->name, (unsigned)i);
    else
        do {
            free(name);
            r = asprintf(&name, "%s-%u", item->alias, (*number)++);
        } while (r >= 0 && (vfa_domain_request(domain, name) || vfa_domain_device(domain, name)));
    *ret = name;
    return r;
}

static int make_request_names(const struct add *add, const struct vfa_domain *domain,
                              struct names *ret, struct vfa_error *err)
{
    unsigned number = 0;

    for (uint32_t i = 0; i < add->asked.items[0].count; i++) {
        if (make_request_name(add, domain, i, &number, &ret->items[i]) < 0)
            return vfa_fail_oom(err);
        ret->n++;
    }
    return 0;
}

/* ---- metadata ---- */

static int edit_once(struct edit *edit, const struct add *add, const char *alias, const char *name,
                     uint32_t count, struct vfa_error *err)
{
    const struct vfa_request_options options = {
        .name = name,
        .count = count,
        .optional = add->optional,
        .late = add->late,
        .numa_given = add->numa_text != NULL,
        .numa = add->numa,
        .tags = &add->tags,
        .interface = add->element.has_interface ? &add->element.interface : NULL,
        .settings = &add->element.settings,
    };
    char *changed;
    int r = vfa_domxml_requests_add(edit->requests, alias, &options, &changed, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s' (%s)", add->domain, vfa_request_scope_name(edit->affect));
    free(edit->requests);
    edit->requests = changed;
    return 0;
}

static int edit_requests(virDomainPtr domain, unsigned affect, struct add *add,
                         const struct names *names, struct edit *ret, struct vfa_error *err)
{
    int r = vfa_connect_get_requests(domain, affect, &ret->requests, err);

    ret->affect = affect;
    if (r == 0 && vfa_request_element_pair(&add->element, domain, affect, err) < 0)
        r = vfa_wrap(err, "domain '%s' (%s)", add->domain, vfa_request_scope_name(affect));
    for (size_t i = 0; r == 0 && names->n == 0 && i < add->asked.n; i++)
        r = edit_once(ret, add, add->asked.items[i].alias, add->name, add->asked.items[i].count,
                      err);
    for (uint32_t i = 0; r == 0 && i < names->n; i++)
        r = edit_once(ret, add, add->asked.items[0].alias, names->items[i], 1, err);
    return r;
}

/* ---- the change ---- */

/* Prints the new requests, and warns if a running domain has not enough free ports for them. */
static int print_added(virDomainPtr domain, unsigned affect, const struct vfa_domain *before,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *after = NULL;
    const char *scope = vfa_request_scope_name(affect);
    unsigned missing;
    int r = vfa_connect_parse(domain, affect, &after, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < after->n_requests; i++) {
        if (!vfa_domain_request(before, after->requests[i].name))
            printf("request '%s' added to domain '%s' (%s)\n", after->requests[i].name, after->name,
                   scope);
    }
    missing = vfa_domain_missing_ports(after);
    if (affect == VIR_DOMAIN_AFFECT_LIVE && missing > 0)
        fprintf(
            stderr,
            "vfalias: warning: domain '%s' has %u free port%s too few: a device cannot be attached until the domain is shut down and started\n",
            after->name, missing, missing == 1 ? "" : "s");
    return 0;
}

/* Changes one XML: labelled ports (definition only), metadata, then missing ports. */
static int apply_edit(const struct add *add, virDomainPtr domain, const struct edit *edit,
                      const struct names *names, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *before = NULL;
    bool config = edit->affect == VIR_DOMAIN_AFFECT_CONFIG;
    int r = vfa_connect_parse(domain, edit->affect, &before, err);

    for (uint32_t i = 0; add->port && config && r == 0 && i < names->n; i++) {
        if (!vfa_request_has_label(before, names->items[i]))
            r = vfa_request_add_label(domain, names->items[i], err);
    }
    if (r == 0)
        r = config && add->cold
                ? vfa_request_cold_add(add->config, domain, edit->requests, names->items, names->n,
                                       err)
                : vfa_connect_set_requests(domain, edit->affect, edit->requests, err);
    if (r == 0)
        r = print_added(domain, edit->affect, before, err);
    if (r == 0 && config)
        r = vfa_request_add_ports(domain, err);
    return r;
}

/* Prepares the edits of all XMLs before the first is applied: an error changes nothing. */
static int edit_domain(virDomainPtr domain, unsigned affect, struct add *add, struct vfa_error *err)
{
    static const unsigned both[] = {VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};
    VFA_AUTO(edit_clear) struct edit config = {0};
    VFA_AUTO(edit_clear) struct edit live = {0};
    struct edit *const edits[] = {&config, &live};
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *definition = NULL;
    VFA_AUTO(names_clear) struct names names = {0};
    int r = 0;

    if (add->port || add->cold) {
        r = vfa_connect_parse(domain, VIR_DOMAIN_AFFECT_CONFIG, &definition, err);
        if (r == 0)
            r = make_request_names(add, definition, &names, err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(both); i++) {
        if (affect & both[i])
            r = edit_requests(domain, both[i], add, &names, edits[i], err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(both); i++) {
        if (affect & both[i])
            r = apply_edit(add, domain, edits[i], &names, err);
    }
    return r;
}

static int check_scope(const struct add *add, unsigned affect)
{
    if ((!add->port && !add->cold) || affect & VIR_DOMAIN_AFFECT_CONFIG)
        return VFA_CMD_FINE;
    return vfa_cmd_fail_usage("--%s changes the definition of domain '%s': add --config",
                              add->cold ? "cold" : "port", add->domain);
}

int vfa_request_add(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr domain = NULL;
    VFA_AUTO(add_clear) struct add add = {0};
    const struct vfa_cmd_flag flags[] = {
        {"name", NULL, &add.name},
        {"count", NULL, &add.count_text},
        {"optional", &add.optional, NULL},
        {"late", &add.late, NULL},
        {"numa", NULL, &add.numa_text},
        {"tag", &add.has_tags, add.tag_texts},
        VFA_REQUEST_ELEMENT_FLAGS(&add.element),
        {"port", &add.port, NULL},
        {"cold", &add.cold, NULL},
        {"live", &add.scope.live, NULL},
        {"config", &add.scope.config, NULL},
        {"current", &add.scope.current, NULL},
        {"force", &add.force, NULL},
    };
    const struct vfa_cmd_syntax syntax = {
        "request add", flags, ARRAY_SIZE(flags), {"DOMAIN", "ALIAS[:COUNT]", NULL}};
    const char *operands[2];
    unsigned affect;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    add.domain = operands[0];
    add.alias_list = operands[1];
    add.config = ctx->config;
    status = read_arguments(ctx, &add);
    if (status != VFA_CMD_FINE)
        return status;
    if (vfa_connect_both(ctx, add.domain, &conn, &domain, &err) < 0 ||
        vfa_request_scope_resolve(&add.scope, domain, &affect, &err) < 0)
        return vfa_cmd_fail_error(&err);
    status = check_scope(&add, affect);
    if (status == VFA_CMD_FINE && edit_domain(domain, affect, &add, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return status;
}
