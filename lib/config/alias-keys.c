/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of an alias that this program adds to Nova's: device selection (class, driver),
 * permitted domains (permit, max_per_domain), order of devices (order), treatment of the device
 * (attach, profileid, on_attach_failure, hold, managed, settings, settings_policy, sysfs), and the
 * name in requests (xml_name).
 *
 * Invariant: the value of each key is valid by itself. The place of the key is in vfa_alias.said,
 * except for a key of a choice. No key comes twice: json-c keeps the last of two in an object.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "spec/spec.h"
#include "private.h"
#include "report.h"
#include "values.h"

#include <errno.h>
#include <string.h>

#define MAX_PER_DOMAIN 256 /* the limit for a domain (VFA_REQUEST_MAX) */

/* Reads one of `n` words. */
static int read_word(const struct vfa_alias_reader *reader, const char *key,
                     struct json_object *value, const struct vfa_config_word *words, size_t n,
                     unsigned *ret, struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);

    return r < 0 ? r : vfa_config_word(reader->where, key, text, words, n, ret, err);
}

/* ---- device selection ---- */

static int read_driver(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);

    if (r < 0)
        return r;
    if (!*text || strchr(text, '/'))
        return vfa_config_fail(reader->where, err,
                               "cannot use %s '%.40s': it is not the name of a driver", key, text);
    reader->choice->driver = strdup(text);
    reader->has_requirement = true;
    return reader->choice->driver ? 0 : vfa_fail_oom(err);
}

/* Two, four or six digits: base class; with subclass; with programming interface. */
static int read_class(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                      struct vfa_error *err)
{
    const char *text = NULL, *digits;
    int r = vfa_config_text(reader->where, key, value, &text, err);
    uint32_t class;
    size_t len;

    if (r < 0)
        return r;
    digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
    len = strlen(digits);
    if ((len != 2 && len != 4 && len != 6) || vfa_parse_hex(text, 0xffffff, &class) < 0)
        return vfa_config_fail(
            reader->where, err,
            "cannot use %s '%.40s': two, four or six hexadecimal digits are wanted", key, text);
    reader->choice->class = class;
    reader->choice->class_shift = (unsigned)(6 - len) * 4;
    reader->has_requirement = true;
    return 0;
}

static int read_order(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                      struct vfa_error *err)
{
    static const struct vfa_config_word words[] = {{"spread", VFA_STRATEGY_SPREAD},
                                                   {"pack", VFA_STRATEGY_PACK}};
    unsigned order = VFA_STRATEGY_ADDRESS;
    int r = read_word(reader, key, value, words, ARRAY_SIZE(words), &order, err);

    reader->alias->order = (enum vfa_strategy)order;
    return r;
}

/* ---- permitted domains, name in requests ---- */

static int add_permit(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                      struct vfa_error *err)
{
    struct vfa_alias *alias = reader->alias;
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);
    char **slot;

    if (r < 0)
        return r;
    if (!*text)
        return vfa_config_fail(reader->where, err, "cannot use %s '': no domain has such a name",
                               key);
    slot = vfa_array_grow(&alias->permit, alias->n_permit);
    if (!slot || !(*slot = strdup(text)))
        return vfa_fail_oom(err);
    alias->n_permit++;
    return 0;
}

static int read_permit(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    int r = 0;

    if (!json_object_is_type(value, json_type_array))
        return add_permit(reader, key, value, err);
    if (json_object_array_length(value) == 0)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s: an empty list would permit the alias to nobody",
                               key);
    for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
        r = add_permit(reader, key, json_object_array_get_idx(value, i), err);
    return r;
}

static int read_max(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                    struct vfa_error *err)
{
    uint32_t max = 0;
    int r = vfa_config_number(reader->where, key, value, 1, MAX_PER_DOMAIN, &max, err);

    reader->alias->max_per_domain = max;
    return r;
}

static int read_xml_name(struct vfa_alias_reader *reader, const char *key,
                         struct json_object *value, struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);

    if (r < 0)
        return r;
    if (!vfa_alias_name_ok(text))
        return vfa_config_fail(
            reader->where, err,
            "cannot use %s '%.40s': one or more of the characters A-Za-z0-9_- are wanted", key,
            text);
    reader->alias->xml_name = strdup(text);
    return reader->alias->xml_name ? 0 : vfa_fail_oom(err);
}

/* ---- treatment of the device ---- */

static int read_attach(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    struct vfa_config_word words[VFA_ATTACH_KINDS];
    unsigned kind = VFA_ATTACH_HOSTDEV;
    int r;

    for (unsigned i = 0; i < VFA_ATTACH_KINDS; i++)
        words[i] = (struct vfa_config_word){vfa_attach_facts((enum vfa_attach_kind)i)->name, i};
    r = read_word(reader, key, value, words, ARRAY_SIZE(words), &kind, err);
    reader->alias->attach = (enum vfa_attach_kind)kind;
    return r;
}

static int read_alias_profileid(struct vfa_alias_reader *reader, const char *key,
                                struct json_object *value, struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);

    if (r < 0)
        return r;
    if (!*text || strlen(text) > VFA_PROFILEID_MAX)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s '%.60s': 1 to %d characters are wanted", key, text,
                               VFA_PROFILEID_MAX);
    reader->alias->profileid = strdup(text);
    return reader->alias->profileid ? 0 : vfa_fail_oom(err);
}

static int read_failure(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                        struct vfa_error *err)
{
    static const struct vfa_config_word words[] = {{"keep", VFA_ATTACH_FAILURE_KEEP},
                                                   {"destroy", VFA_ATTACH_FAILURE_DESTROY}};
    unsigned what = VFA_ATTACH_FAILURE_KEEP;
    int r = read_word(reader, key, value, words, ARRAY_SIZE(words), &what, err);

    reader->alias->on_attach_failure = (enum vfa_attach_failure)what;
    return r;
}

static int read_alias_hold(struct vfa_alias_reader *reader, const char *key,
                           struct json_object *value, struct vfa_error *err)
{
    return vfa_config_bool(reader->where, key, value, &reader->alias->hold, err);
}

static int read_alias_settings(struct vfa_alias_reader *reader, const char *key,
                               struct json_object *value, struct vfa_error *err)
{
    return vfa_config_vf_settings(reader->where, value, &reader->alias->settings, err);
}

static int read_policy(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    static const struct vfa_config_word words[] = {{"required", VFA_SETTINGS_REQUIRED},
                                                   {"best_effort", VFA_SETTINGS_BEST_EFFORT}};
    unsigned policy = VFA_SETTINGS_REQUIRED;
    int r = read_word(reader, key, value, words, ARRAY_SIZE(words), &policy, err);

    reader->alias->settings_policy = (enum vfa_settings_policy)policy;
    return r;
}

static int read_alias_managed(struct vfa_alias_reader *reader, const char *key,
                              struct json_object *value, struct vfa_error *err)
{
    return vfa_config_bool(reader->where, key, value, &reader->alias->managed, err);
}

static int add_attribute(struct vfa_alias_reader *reader, const char *name,
                         struct json_object *value, struct vfa_error *err)
{
    struct vfa_alias *alias = reader->alias;
    enum json_type type = json_object_get_type(value);
    const char *text = json_object_get_string(value), *refusal = vfa_attribute_refusal(name);
    struct vfa_attribute *slot;

    if (!refusal && type != json_type_string && type != json_type_int)
        refusal = "its value is a text or a whole number";
    if (!refusal)
        refusal = vfa_attribute_value_refusal(text);
    if (refusal)
        return vfa_config_fail(reader->where, err, "cannot use sysfs '%.80s': %s", name, refusal);
    slot = vfa_array_grow(&alias->sysfs, alias->n_sysfs);
    if (!slot)
        return vfa_fail_oom(err);
    alias->n_sysfs++;
    *slot = (struct vfa_attribute){strdup(name), strdup(text)};
    return slot->name && slot->value ? 0 : vfa_fail_oom(err);
}

static int read_alias_sysfs(struct vfa_alias_reader *reader, const char *key,
                            struct json_object *value, struct vfa_error *err)
{
    int n = json_object_is_type(value, json_type_object) ? json_object_object_length(value) : 0;

    if (n < 1 || n > VFA_ATTRIBUTES_MAX)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s: an object with 1 to %d attributes is wanted", key,
                               VFA_ATTRIBUTES_MAX);
    json_object_object_foreach(value, name, member)
    {
        int r = add_attribute(reader, name, member, err);

        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the table of keys ---- */

static const struct vfa_alias_own_key own_keys[] = {
    {"attach", read_attach, VFA_ALIAS_ATTACH},
    {"class", read_class, VFA_ALIAS_KEYS},
    {"driver", read_driver, VFA_ALIAS_KEYS},
    {"hold", read_alias_hold, VFA_ALIAS_HOLD},
    {"managed", read_alias_managed, VFA_ALIAS_MANAGED},
    {"max_per_domain", read_max, VFA_ALIAS_MAX_PER_DOMAIN},
    {"on_attach_failure", read_failure, VFA_ALIAS_ON_ATTACH_FAILURE},
    {"order", read_order, VFA_ALIAS_ORDER},
    {"permit", read_permit, VFA_ALIAS_PERMIT},
    {"profileid", read_alias_profileid, VFA_ALIAS_PROFILEID},
    {"settings", read_alias_settings, VFA_ALIAS_SETTINGS},
    {"settings_policy", read_policy, VFA_ALIAS_SETTINGS_POLICY},
    {"sysfs", read_alias_sysfs, VFA_ALIAS_SYSFS},
    {"xml_name", read_xml_name, VFA_ALIAS_XML_NAME},
};

int vfa_config_alias_read_own(struct vfa_alias_reader *reader, const char *key,
                              struct json_object *value, const struct vfa_alias_own_key *keys,
                              size_t n, struct vfa_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct vfa_alias_own_key *own = &keys[i];

        if (strcmp(key, own->name) != 0)
            continue;
        if (own->key < VFA_ALIAS_KEYS)
            reader->alias->said[own->key] = *reader->where;
        return own->read(reader, key, value, err);
    }
    return VFA_CONFIG_OTHER;
}

int vfa_config_alias_own(struct vfa_alias_reader *reader, const char *key,
                         struct json_object *value, struct vfa_error *err)
{
    return vfa_config_alias_read_own(reader, key, value, own_keys, ARRAY_SIZE(own_keys), err);
}
