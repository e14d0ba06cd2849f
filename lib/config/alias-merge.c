/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Merges aliases: aliases with the same name become one alias with several choices. Different
 * aliases must have different names in requests.
 *
 * Invariants: aliases with the same name differ only in their choices; a key that only one of them
 * has applies to all. A name or xml_name belongs to one alias.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "config.h"
#include "private.h"
#include "report.h"

#include <errno.h>
#include <string.h>

static const char *const key_names[VFA_ALIAS_KEYS] = {
    [VFA_ALIAS_ATTACH] = "attach",
    [VFA_ALIAS_ON_ATTACH_FAILURE] = "on_attach_failure",
    [VFA_ALIAS_ORDER] = "order",
    [VFA_ALIAS_PERMIT] = "permit",
    [VFA_ALIAS_MAX_PER_DOMAIN] = "max_per_domain",
    [VFA_ALIAS_XML_NAME] = "xml_name",
    [VFA_ALIAS_HOLD] = "hold",
    [VFA_ALIAS_PROFILEID] = "profileid",
    [VFA_ALIAS_SETTINGS] = "settings",
    [VFA_ALIAS_SETTINGS_POLICY] = "settings_policy",
};

static bool same_permit(const struct vfa_alias *a, const struct vfa_alias *b)
{
    if (a->n_permit != b->n_permit)
        return false;
    for (size_t i = 0; i < a->n_permit; i++) {
        if (strcmp(a->permit[i], b->permit[i]) != 0)
            return false;
    }
    return true;
}

/* Whether the values of a key that both aliases have are equal. */
static bool agree(const struct vfa_alias *a, const struct vfa_alias *b, enum vfa_alias_key key)
{
    switch (key) {
    case VFA_ALIAS_ATTACH:
        return a->attach == b->attach;
    case VFA_ALIAS_ON_ATTACH_FAILURE:
        return a->on_attach_failure == b->on_attach_failure;
    case VFA_ALIAS_ORDER:
        return a->order == b->order;
    case VFA_ALIAS_PERMIT:
        return same_permit(a, b);
    case VFA_ALIAS_MAX_PER_DOMAIN:
        return a->max_per_domain == b->max_per_domain;
    case VFA_ALIAS_XML_NAME:
        return strcmp(a->xml_name, b->xml_name) == 0;
    case VFA_ALIAS_HOLD:
        return a->hold == b->hold;
    case VFA_ALIAS_PROFILEID:
        return strcmp(a->profileid, b->profileid) == 0;
    case VFA_ALIAS_SETTINGS:
        return vfa_vf_settings_same(&a->settings, &b->settings);
    case VFA_ALIAS_SETTINGS_POLICY:
        return a->settings_policy == b->settings_policy;
    case VFA_ALIAS_KEYS:
        break;
    }
    return true;
}

/* Moves the value of a key that only `from` has. */
static void take_key(struct vfa_alias *to, struct vfa_alias *from, enum vfa_alias_key key)
{
    to->said[key] = from->said[key];
    switch (key) {
    case VFA_ALIAS_ATTACH:
        to->attach = from->attach;
        break;
    case VFA_ALIAS_ON_ATTACH_FAILURE:
        to->on_attach_failure = from->on_attach_failure;
        break;
    case VFA_ALIAS_ORDER:
        to->order = from->order;
        break;
    case VFA_ALIAS_PERMIT:
        to->permit = vfa_steal(&from->permit);
        to->n_permit = from->n_permit;
        from->n_permit = 0;
        break;
    case VFA_ALIAS_MAX_PER_DOMAIN:
        to->max_per_domain = from->max_per_domain;
        break;
    case VFA_ALIAS_XML_NAME:
        to->xml_name = vfa_steal(&from->xml_name);
        break;
    case VFA_ALIAS_HOLD:
        to->hold = from->hold;
        break;
    case VFA_ALIAS_PROFILEID:
        to->profileid = vfa_steal(&from->profileid);
        break;
    case VFA_ALIAS_SETTINGS:
        to->settings = from->settings;
        break;
    case VFA_ALIAS_SETTINGS_POLICY:
        to->settings_policy = from->settings_policy;
        break;
    case VFA_ALIAS_KEYS:
        break;
    }
}

static int refuse_conflict(const struct vfa_alias *alias, const char *what,
                           const struct vfa_where *at, struct vfa_error *err)
{
    return vfa_config_fail(&alias->choices[0].where, err,
                           "cannot use alias '%.40s': it has another %s than at %s:%u", alias->name,
                           what, at->file, at->line);
}

static int check_same(const struct vfa_alias *first, const struct vfa_alias *alias,
                      struct vfa_error *err)
{
    const struct vfa_where *at = &first->choices[0].where;

    if (first->numa != alias->numa)
        return refuse_conflict(alias, "numa_policy", at, err);
    if (first->type_given != alias->type_given || first->types != alias->types)
        return refuse_conflict(alias, "device_type", at, err);
    for (int i = 0; i < VFA_ALIAS_KEYS; i++) {
        if (first->said[i].file && alias->said[i].file &&
            !agree(first, alias, (enum vfa_alias_key)i))
            return refuse_conflict(alias, key_names[i], &first->said[i], err);
    }
    return 0;
}

static int move_choices(struct vfa_alias *to, struct vfa_alias *from, struct vfa_error *err)
{
    for (size_t i = 0; i < from->n_choices; i++) {
        struct vfa_alias_choice *slot = vfa_array_grow(&to->choices, to->n_choices);

        if (!slot)
            return vfa_fail_oom(err);
        *slot = from->choices[i];
        from->choices[i] = (struct vfa_alias_choice){.driver = NULL};
        to->n_choices++;
    }
    return 0;
}

/* ORs `alias` into `first`. */
static int merge_alias(struct vfa_config *config, struct vfa_alias *first, struct vfa_alias *alias,
                       struct vfa_error *err)
{
    int r = check_same(first, alias, err);

    if (r == 0 && !alias->type_given)
        r = vfa_config_warn(
            config, &alias->choices[0].where, err,
            "alias '%s' is there more than once without device_type, which Nova refuses",
            alias->name);
    if (r < 0)
        return r;
    for (int i = 0; i < VFA_ALIAS_KEYS; i++) {
        if (!first->said[i].file && alias->said[i].file)
            take_key(first, alias, (enum vfa_alias_key)i);
    }
    return move_choices(first, alias, err);
}

/* ---- names ---- */

static int refuse_ambiguous_name(const struct vfa_alias *alias, const char *what, const char *name,
                                 const struct vfa_alias *other, const struct vfa_where *at,
                                 struct vfa_error *err)
{
    return vfa_config_fail(
        &alias->choices[0].where, err,
        "cannot use %s '%.40s': a request with this name could also mean alias '%.40s' at %s:%u",
        what, name, other->name, at->file, at->line);
}

static int check_other(const struct vfa_alias *alias, const struct vfa_alias *other,
                       struct vfa_error *err)
{
    const struct vfa_where *at = &other->said[VFA_ALIAS_XML_NAME];
    const char *name = alias->xml_name;

    if (other->xml_name && strcmp(other->xml_name, alias->name) == 0)
        return refuse_ambiguous_name(alias, "alias", alias->name, other, at, err);
    if (name && other->xml_name && strcmp(other->xml_name, name) == 0)
        return refuse_ambiguous_name(alias, "xml_name", name, other, at, err);
    if (name && strcmp(other->name, name) == 0)
        return refuse_ambiguous_name(alias, "xml_name", name, other, &other->choices[0].where, err);
    return 0;
}

/* Checks that no other alias has the name or xml_name of this alias. */
static int check_names(const struct vfa_config *config, const struct vfa_alias *alias,
                       struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n_aliases; i++) {
        if (strcmp(config->aliases[i].name, alias->name) != 0)
            r = check_other(alias, &config->aliases[i], err);
    }
    return r;
}

int vfa_config_keep_alias(struct vfa_config *config, struct vfa_alias *alias, struct vfa_error *err)
{
    struct vfa_alias *slot;
    int r = check_names(config, alias, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < config->n_aliases; i++) {
        if (strcmp(config->aliases[i].name, alias->name) == 0)
            return merge_alias(config, &config->aliases[i], alias, err);
    }
    slot = vfa_array_grow(&config->aliases, config->n_aliases);
    if (!slot)
        return vfa_fail_oom(err);
    *slot = *alias;
    memset(alias, 0, sizeof(*alias)); /* handed over */
    config->n_aliases++;
    return 0;
}

/* Checks names for libvirt: the user alias of a device contains the name of its request, which by
 * default is the name of the alias. */
int vfa_config_check_aliases(struct vfa_config *config, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n_aliases; i++) {
        const struct vfa_alias *alias = &config->aliases[i];

        if (!alias->xml_name && !vfa_alias_name_ok(alias->name))
            r = vfa_config_warn(
                config, &alias->choices[0].where, err,
                "alias '%s' has characters that libvirt does not allow in a user alias: give the alias an xml_name, or each request a name",
                alias->name);
    }
    return r;
}
