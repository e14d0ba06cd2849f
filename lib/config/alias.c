/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads an alias' JSON into struct vfa_alias, with the checks of Nova's get_alias_from_config()
 * (nova/pci/request.py). vfa_config_alias_own() and vfa_config_alias_made() read the keys that this
 * program adds; vfa_config_alias_check_kind() checks that the keys of an alias fit together;
 * vfa_config_keep_alias() merges aliases with the same name.
 *
 * A key is a tag if it is physical_network, or if a device_spec of the configuration sets it and it
 * is not a key of aliases. Any other key is an error, as in Nova, to detect misspelt keys. So all
 * specs must be read before the first alias.
 *
 * Invariant: an alias that is added is complete and valid.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/tags.h"
#include "base/text.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config.h"
#include "json.h"
#include "private.h"
#include "report.h"
#include "values.h"

#include <errno.h>
#include <string.h>

#define MAX_NAME 256 /* characters */

static int read_alias_name(struct vfa_alias_reader *reader, const char *key, const char *text,
                           struct vfa_error *err)
{
    size_t chars = 0;

    for (const char *p = text; *p; p++)
        chars += (*p & 0xc0) != 0x80;
    if (chars < 1 || chars > MAX_NAME)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s '%.40s': 1 to %d characters are allowed", key, text,
                               MAX_NAME);
    chars = vfa_text_strip(&text, strlen(text));
    free(reader->alias->name);
    reader->alias->name = strndup(text, chars);
    return reader->alias->name ? 0 : vfa_fail_oom(err);
}

static int read_alias_id(const struct vfa_alias_reader *reader, const char *key, const char *text,
                         int *ret, struct vfa_error *err)
{
    uint32_t id;

    if (strlen(text) != 4 || strspn(text, "0123456789abcdefABCDEF") != 4 ||
        vfa_parse_hex(text, 0xffff, &id) < 0)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s '%.40s': exactly four hexadecimal digits are wanted",
                               key, text);
    *ret = (int)id;
    return 0;
}

static int read_vendor(struct vfa_alias_reader *reader, const char *key, const char *text,
                       struct vfa_error *err)
{
    return read_alias_id(reader, key, text, &reader->choice->vendor, err);
}

static int read_product(struct vfa_alias_reader *reader, const char *key, const char *text,
                        struct vfa_error *err)
{
    return read_alias_id(reader, key, text, &reader->choice->product, err);
}

static int read_device_type(struct vfa_alias_reader *reader, const char *key, const char *text,
                            struct vfa_error *err)
{
    static const struct vfa_config_word words[] = {
        {"type-PCI", 1u << VFA_TYPE_PCI}, {"type-PF", 1u << VFA_TYPE_PF},
        {"type-VF", 1u << VFA_TYPE_VF},   {"vdpa", 1u << VFA_TYPE_VDPA},
        {"mdev", 1u << VFA_TYPE_MDEV},    {"vdpa-block", 1u << VFA_TYPE_VDPA_BLOCK}};

    reader->alias->type_given = true;
    return vfa_config_word(reader->where, key, text, words, ARRAY_SIZE(words),
                           &reader->alias->types, err);
}

static int read_numa_policy(struct vfa_alias_reader *reader, const char *key, const char *text,
                            struct vfa_error *err)
{
    static const struct vfa_config_word words[] = {{"legacy", VFA_NUMA_LEGACY},
                                                   {"required", VFA_NUMA_REQUIRED},
                                                   {"preferred", VFA_NUMA_PREFERRED},
                                                   {"socket", VFA_NUMA_SOCKET}};
    unsigned value = VFA_NUMA_LEGACY;
    int r = vfa_config_word(reader->where, key, text, words, ARRAY_SIZE(words), &value, err);

    reader->alias->numa = (enum vfa_numa_policy)value;
    return r;
}

/* In Nova capability_type matches no device, because no device has such an attribute. It has no
 * effect here. */
static int read_capability(struct vfa_alias_reader *reader, const char *key, const char *text,
                           struct vfa_error *err)
{
    static const struct vfa_config_word words[] = {{"pci", 0}};
    unsigned value;

    return vfa_config_word(reader->where, key, text, words, ARRAY_SIZE(words), &value, err);
}

/* Nova passes these keys to its Placement service, which does not exist here. */
static int read_placement(struct vfa_alias_reader *reader, const char *key, const char *text,
                          struct vfa_error *err)
{
    return vfa_config_warn(reader->config, reader->where, err,
                           "%s '%s' does not choose devices here: use a tag for that", key, text);
}

/* Booleans are normalised as in a device_spec. Nova's live_migratable is not enough to select a
 * device: the alias still needs ids. */
static int read_alias_tag(struct vfa_alias_reader *reader, const char *key,
                          struct json_object *value, struct vfa_error *err)
{
    enum json_type type = json_object_get_type(value);

    if (type == json_type_null || type == json_type_array || type == json_type_object)
        return vfa_config_fail(reader->where, err, "cannot use %s: it is not a string", key);
    if (strcmp(key, "live_migratable") != 0)
        reader->has_requirement = true;
    else if (type != json_type_string)
        return vfa_config_fail(reader->where, err, "cannot use %s: it is not a string", key);
    return vfa_config_tag(&reader->choice->tags, key, value, reader->where, err);
}

static int read_other(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                      struct vfa_error *err)
{
    int r = vfa_config_alias_own(reader, key, value, err);

    if (r == VFA_CONFIG_OTHER)
        r = vfa_config_alias_made(reader, key, value, err);
    if (r != VFA_CONFIG_OTHER)
        return r;
    if (strcmp(key, "physical_network") == 0 || strcmp(key, "live_migratable") == 0 ||
        vfa_config_sets_tag(reader->config, key))
        return read_alias_tag(reader, key, value, err);
    return vfa_config_fail(
        reader->where, err,
        "cannot use key '%.40s': it is no key of an alias, and no device_spec has such a tag", key);
}

static int read_alias_key(struct vfa_alias_reader *reader, const char *key,
                          struct json_object *value, struct vfa_error *err)
{
    static const struct {
        const char *key;
        int (*read)(struct vfa_alias_reader *reader, const char *key, const char *text,
                    struct vfa_error *err);
    } keys[] = {
        {"name", read_alias_name},          {"vendor_id", read_vendor},
        {"product_id", read_product},       {"device_type", read_device_type},
        {"numa_policy", read_numa_policy},  {"capability_type", read_capability},
        {"resource_class", read_placement}, {"traits", read_placement},
    };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i].key) != 0)
            continue;
        if (!json_object_is_type(value, json_type_string))
            return vfa_config_fail(reader->where, err, "cannot use %s: it is not a string", key);
        return keys[i].read(reader, key, json_object_get_string(value), err);
    }
    return read_other(reader, key, value, err);
}

/* Warns about tags that no device_spec sets. */
static int check_alias_tags(struct vfa_alias_reader *reader, struct vfa_error *err)
{
    struct vfa_tags *tags = &reader->choice->tags;
    int r = 0;

    for (size_t i = 0; r == 0 && i < tags->n; i++) {
        const char *key = tags->items[i].key, *value = tags->items[i].value;
        bool found = false;

        for (size_t j = 0; j < reader->config->n_specs; j++) {
            const char *have = vfa_tags_get(&reader->config->specs[j].tags, key);

            found = found || (have && vfa_text_same(have, value));
        }
        if (!found)
            r = vfa_config_warn(
                reader->config, reader->where, err,
                "alias '%s' wants tag %s '%s', which no device_spec sets: it matches no device",
                reader->alias->name, key, value);
    }
    return r;
}

/* Whether the alias needs a key that selects devices. Devices that are made are selected by their
 * device_type. */
static bool needs_requirement(const struct vfa_alias_reader *reader)
{
    static const unsigned pci = 1u << VFA_TYPE_PCI | 1u << VFA_TYPE_PF | 1u << VFA_TYPE_VF;

    return (reader->alias->types & pci) && !reader->has_requirement &&
           (reader->choice->vendor < 0 || reader->choice->product < 0);
}

static int check_alias(struct vfa_alias_reader *reader, struct json_object *object,
                       struct vfa_error *err)
{
    int r;

    if (!reader->alias->name)
        return vfa_config_fail(reader->where, err, "cannot use alias: it has no name");
    r = vfa_config_alias_check_kind(reader, object, err);
    if (r < 0)
        return r;
    if (needs_requirement(reader))
        return vfa_config_fail(
            reader->where, err,
            "cannot use alias '%.40s': vendor_id and product_id are wanted, or a tag, class or driver instead",
            reader->alias->name);
    return check_alias_tags(reader, err);
}

static int read_json(struct vfa_alias_reader *reader, const char *text, struct vfa_error *err)
{
    VFA_AUTO(vfa_json_putp) struct json_object *value = NULL;
    int r = vfa_json_parse(text, reader->where, &value, err);

    if (r < 0)
        return r;
    if (!json_object_is_type(value, json_type_object))
        return vfa_config_fail(reader->where, err, "cannot use alias: an object is wanted");
    reader->alias->choices = calloc(1, sizeof(*reader->alias->choices));
    if (!reader->alias->choices)
        return vfa_fail_oom(err);
    reader->alias->n_choices = 1;
    reader->choice = reader->alias->choices;
    *reader->choice = (struct vfa_alias_choice){
        .vendor = VFA_ID_ANY, .product = VFA_ID_ANY, .class = -1, .where = *reader->where};
    json_object_object_foreach(value, key, member)
    {
        r = read_alias_key(reader, key, member, err);
        if (r < 0)
            return r;
    }
    return check_alias(reader, value, err);
}

int vfa_config_add_alias(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_alias_clear)
    struct vfa_alias alias = {.types = 1u << VFA_TYPE_PCI | 1u << VFA_TYPE_VF};
    struct vfa_alias_reader reader = {.config = config, .where = where, .alias = &alias};
    int r = vfa_config_alias_is_epa(text) ? vfa_config_read_epa(text, where, &alias, err)
                                          : read_json(&reader, text, err);

    return r < 0 ? r : vfa_config_keep_alias(config, &alias, err);
}
