/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a device_spec's JSON into struct vfa_spec, with the checks of Nova's PciDeviceSpec
 * (nova/pci/devspec.py) and Whitelist (nova/pci/whitelist.py).
 *
 * Invariant: a spec that is added is complete and valid. A null, empty or false `address` or
 * `devname` counts as missing, as in Python.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "spec/spec.h"
#include "config.h"
#include "json.h"
#include "private.h"
#include "report.h"
#include "values.h"

#include <errno.h>
#include <string.h>

#define MAX_ID 0xffff

static bool is_truthy(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return false;
    case json_type_boolean:
        return json_object_get_boolean(value);
    case json_type_int:
    case json_type_double:
        return json_object_get_double(value) != 0;
    case json_type_string:
        return json_object_get_string_len(value) > 0;
    case json_type_array:
        return json_object_array_length(value) > 0;
    case json_type_object:
        return json_object_object_length(value) > 0;
    }
    return true;
}

/* Nova removes blanks before it compares vendor_id with "*", but not for product_id. */
static int read_spec_id(const char *key, struct json_object *value, bool strip,
                        const struct vfa_where *where, int *ret, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);
    const char *inner = text;
    int32_t id;

    if (!text)
        return vfa_fail_oom(err);
    if (!json_object_is_type(value, json_type_string))
        return vfa_config_fail(
            where, err, "cannot use %s %.40s: hexadecimal digits in double quotes are wanted", key,
            text);
    *ret = VFA_ID_ANY;
    if (strip ? vfa_text_strip(&inner, strlen(text)) == 1 && *inner == '*' : strcmp(text, "*") == 0)
        return 0;
    if (vfa_parse_python_hex(text, &id) < 0)
        return vfa_config_fail(where, err, "cannot use %s '%.40s': it is not a hexadecimal number",
                               key, text);
    if (id > MAX_ID)
        return vfa_config_fail(where, err, "cannot use %s '%.40s': it is larger than ffff", key,
                               text);
    *ret = id < 0 ? VFA_ID_NONE : id;
    return 0;
}

static int read_address_object(struct json_object *value, const struct vfa_where *where,
                               struct vfa_address_pattern **ret, struct vfa_error *err)
{
    static const char *const keys[] = {"domain", "bus", "slot", "function"};
    const char *texts[ARRAY_SIZE(keys)] = {NULL};
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct json_object *field;

        if (!json_object_object_get_ex(value, keys[i], &field))
            continue;
        if (!json_object_is_type(field, json_type_string))
            return vfa_config_fail(where, err, "cannot use address: %s is not a string", keys[i]);
        texts[i] = json_object_get_string(field);
    }
    r = vfa_address_pattern_regex(texts[0], texts[1], texts[2], texts[3], ret, err);
    return r < 0 ? vfa_config_wrap(where, err) : 0;
}

static int read_address(struct json_object *value, const struct vfa_where *where,
                        struct vfa_spec *spec, struct vfa_error *err)
{
    if (!is_truthy(value))
        return 0;
    if (json_object_is_type(value, json_type_object))
        return read_address_object(value, where, &spec->address, err);
    if (!json_object_is_type(value, json_type_string))
        return vfa_config_fail(where, err,
                               "cannot use address: it is neither a string nor an object");
    if (vfa_address_pattern_glob(json_object_get_string(value), &spec->address, err) < 0)
        return vfa_config_wrap(where, err);
    return 0;
}

static int read_devname(struct json_object *value, struct vfa_spec *spec, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);

    if (!is_truthy(value))
        return 0;
    spec->devname = text ? strdup(text) : NULL;
    return spec->devname ? 0 : vfa_fail_oom(err);
}

static int read_once(const char *key, struct json_object *value, const struct vfa_where *where,
                     struct vfa_spec *spec, struct vfa_error *err)
{
    if (json_object_is_type(value, json_type_null))
        return 0;
    return vfa_config_oslo_bool(where, key, value, &spec->one_time_use, err);
}

static int read_clean(const char *key, struct json_object *value, const struct vfa_where *where,
                      struct vfa_spec *spec, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);

    if (!text)
        return vfa_fail_oom(err);
    if (json_object_is_type(value, json_type_null))
        return 0;
    if (!json_object_is_type(value, json_type_string) || !vfa_cleaner_name_ok(text))
        return vfa_config_fail(
            where, err,
            "cannot use %s '%.40s': the name of a program is wanted, of letters, digits, '_', '-' and '.'",
            key, text);
    spec->clean = strdup(text);
    return spec->clean ? 0 : vfa_fail_oom(err);
}

static int read_spec_key(const char *key, struct json_object *value, const struct vfa_where *where,
                         struct vfa_spec *spec, struct vfa_error *err)
{
    int r;

    if (strcmp(key, "vendor_id") == 0)
        return read_spec_id(key, value, true, where, &spec->vendor, err);
    if (strcmp(key, "product_id") == 0)
        return read_spec_id(key, value, false, where, &spec->product, err);
    if (strcmp(key, "address") == 0)
        return read_address(value, where, spec, err);
    if (strcmp(key, "devname") == 0)
        return read_devname(value, spec, err);
    if (strcmp(key, "clean") == 0)
        return read_clean(key, value, where, spec, err);
    if (strcmp(key, "one_time_use") == 0)
        return read_once(key, value, where, spec, err);
    r = vfa_config_spec_maker_key(key, value, where, spec, err);
    return r == VFA_CONFIG_OTHER ? vfa_config_tag(&spec->tags, key, value, where, err) : r;
}

static int read_spec(struct json_object *value, const struct vfa_where *where,
                     struct vfa_spec *spec, struct vfa_error *err)
{
    if (!json_object_is_type(value, json_type_object))
        return vfa_config_fail(
            where, err, "cannot use device_spec: an object, or an array of objects, is wanted");
    json_object_object_foreach(value, key, member)
    {
        int r = read_spec_key(key, member, where, spec, err);

        if (r < 0)
            return r;
    }
    if (spec->address && spec->devname)
        return vfa_config_fail(where, err,
                               "cannot use device_spec: it has both address and devname");
    return vfa_config_check_makers(spec, err);
}

static int add_spec(struct vfa_config *config, struct json_object *value,
                    const struct vfa_where *where, struct vfa_error *err)
{
    VFA_AUTO(vfa_spec_clear)
    struct vfa_spec spec = {.vendor = VFA_ID_ANY, .product = VFA_ID_ANY, .where = *where};
    int r = read_spec(value, where, &spec, err);
    struct vfa_spec *slot;

    if (r == 0)
        r = vfa_config_check_spec(config, &spec, value, err);
    if (r < 0)
        return r;
    slot = vfa_array_grow(&config->specs, config->n_specs);
    if (!slot)
        return vfa_fail_oom(err);
    *slot = spec;
    memset(&spec, 0, sizeof(spec)); /* handed over */
    config->n_specs++;
    return 0;
}

int vfa_config_add_specs(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_json_putp) struct json_object *value = NULL;
    int r = vfa_json_parse(text, where, &value, err);

    if (r < 0)
        return r;
    config->device_spec_given = true;
    if (!json_object_is_type(value, json_type_array))
        return add_spec(config, value, where, err);
    for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
        r = add_spec(config, json_object_array_get_idx(value, i), where, err);
    return r;
}
