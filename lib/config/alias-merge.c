/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Merges aliases: aliases with the same name become one alias with several choices. Different
 * aliases must have different names in requests.
 *
 * Invariants: aliases with the same name differ only in their choices; a key that only one of them
 * has applies to all. A name or xml_name belongs to one alias. An alias without devices (any_of,
 * bridge) is the only one of its name.
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
#include <stddef.h>
#include <string.h>

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

static bool same_xml_name(const struct vfa_alias *a, const struct vfa_alias *b)
{
    return strcmp(a->xml_name, b->xml_name) == 0;
}

static bool same_profileid(const struct vfa_alias *a, const struct vfa_alias *b)
{
    return strcmp(a->profileid, b->profileid) == 0;
}

static bool same_settings(const struct vfa_alias *a, const struct vfa_alias *b)
{
    return vfa_vf_settings_same(&a->settings, &b->settings);
}

static bool same_sysfs(const struct vfa_alias *a, const struct vfa_alias *b)
{
    return vfa_attributes_same(a->sysfs, a->n_sysfs, b->sysfs, b->n_sysfs);
}

/* The bytes from one member of struct vfa_alias to the end of another: the value of a key. */
#define MEMBERS(first, last)                                                                       \
    offsetof(struct vfa_alias, first), offsetof(struct vfa_alias, last) +                          \
                                           sizeof(((struct vfa_alias *)NULL)->last) -              \
                                           offsetof(struct vfa_alias, first)
#define MEMBER(name) MEMBERS(name, name)

_Static_assert(offsetof(struct vfa_alias, n_permit) ==
                   offsetof(struct vfa_alias, permit) + sizeof(char **),
               "adjacent");
_Static_assert(offsetof(struct vfa_alias, n_sysfs) ==
                   offsetof(struct vfa_alias, sysfs) + sizeof(struct vfa_attribute *),
               "adjacent");

static const struct merged_key {
    const char *name;
    size_t offset, size;
    bool (*same)(const struct vfa_alias *a, const struct vfa_alias *b); /* NULL: compares bytes */
} merged_keys[VFA_ALIAS_KEYS] = {
    [VFA_ALIAS_ATTACH] = {"attach", MEMBER(attach), NULL},
    [VFA_ALIAS_ON_ATTACH_FAILURE] = {"on_attach_failure", MEMBER(on_attach_failure), NULL},
    [VFA_ALIAS_ORDER] = {"order", MEMBER(order), NULL},
    [VFA_ALIAS_PERMIT] = {"permit", MEMBERS(permit, n_permit), same_permit},
    [VFA_ALIAS_MAX_PER_DOMAIN] = {"max_per_domain", MEMBER(max_per_domain), NULL},
    [VFA_ALIAS_XML_NAME] = {"xml_name", MEMBER(xml_name), same_xml_name},
    [VFA_ALIAS_HOLD] = {"hold", MEMBER(hold), NULL},
    [VFA_ALIAS_PROFILEID] = {"profileid", MEMBER(profileid), same_profileid},
    [VFA_ALIAS_SETTINGS] = {"settings", MEMBER(settings), same_settings},
    [VFA_ALIAS_SETTINGS_POLICY] = {"settings_policy", MEMBER(settings_policy), NULL},
    [VFA_ALIAS_MANAGED] = {"managed", MEMBER(managed), NULL},
    [VFA_ALIAS_SYSFS] = {"sysfs", MEMBERS(sysfs, n_sysfs), same_sysfs},
    [VFA_ALIAS_VDPA] = {"vdpa", MEMBER(vdpa), NULL},
    [VFA_ALIAS_EXISTING] = {"existing", MEMBER(existing), NULL},
};

/* Whether the values of a key that both aliases have are equal. */
static bool agree(const struct vfa_alias *a, const struct vfa_alias *b, enum vfa_alias_key key)
{
    const struct merged_key *merged = &merged_keys[key];

    if (merged->same)
        return merged->same(a, b);
    return memcmp((const char *)a + merged->offset, (const char *)b + merged->offset,
                  merged->size) == 0;
}

/* Moves the value of a key that only `from` has, with the memory that the value owns. */
static void take_key(struct vfa_alias *to, struct vfa_alias *from, enum vfa_alias_key key)
{
    char *source = (char *)from + merged_keys[key].offset;
    size_t size = merged_keys[key].size;

    to->said[key] = from->said[key];
    memcpy((char *)to + merged_keys[key].offset, source, size);
    memset(source, 0, size);
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

    if (!first->types || !alias->types)
        return vfa_config_fail(
            &alias->choices[0].where, err,
            "cannot use alias '%.40s': an alias with any_of or attach bridge cannot be merged with that at %s:%u",
            alias->name, at->file, at->line);
    if (first->numa != alias->numa)
        return refuse_conflict(alias, "numa_policy", at, err);
    if (first->type_given != alias->type_given || first->types != alias->types)
        return refuse_conflict(alias, "device_type", at, err);
    for (int i = 0; i < VFA_ALIAS_KEYS; i++) {
        if (first->said[i].file && alias->said[i].file &&
            !agree(first, alias, (enum vfa_alias_key)i))
            return refuse_conflict(alias, merged_keys[i].name, &first->said[i], err);
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
        memset(&from->choices[i], 0, sizeof(from->choices[i])); /* handed over */
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
