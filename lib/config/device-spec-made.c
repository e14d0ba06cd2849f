/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of a device_spec about what makes devices: management devices of vDPA, and parents of
 * mediated devices. Nova does not have these keys; a null value counts as missing.
 *
 * Invariant: a spec is about vDPA devices or about mediated devices, not about both.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/makers.h"
#include "spec/spec.h"
#include "private.h"
#include "report.h"
#include "values.h"

#include <errno.h>
#include <string.h>

#define MAX_DEVICES 1000000

/* fnmatch() takes a '[' without ']' for the character, which no name of a maker has. */
static bool has_open_bracket(const char *pattern)
{
    const char *end;

    while ((pattern = strchr(pattern, '[')) != NULL) {
        pattern += pattern[1] == '!' || pattern[1] == '^' ? 2 : 1;
        end = *pattern ? strchr(pattern + 1, ']') : NULL; /* a ']' at the start is one of the set */
        if (!end)
            return true;
        pattern = end;
    }
    return false;
}

static int check_brackets(const struct vfa_where *where, const char *key, const char *text,
                          struct vfa_error *err)
{
    return has_open_bracket(text)
               ? vfa_config_fail(where, err, "cannot use %s '%.80s': a '[' has no ']'", key, text)
               : 0;
}

static int refuse_pattern(const struct vfa_where *where, const char *key, const char *text,
                          struct vfa_error *err)
{
    return vfa_config_fail(
        where, err,
        "cannot use %s '%.80s': a name or a pattern is wanted, without blanks, quotes and backslashes",
        key, text);
}

/* Reads one pattern for names. */
static int read_pattern(const char *key, struct json_object *value, const struct vfa_where *where,
                        char **ret, struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(where, key, value, &text, err);

    if (r < 0)
        return r;
    if (!vfa_maker_pattern_ok(text))
        return refuse_pattern(where, key, text, err);
    *ret = strdup(text);
    return *ret ? check_brackets(where, key, text, err) : vfa_fail_oom(err);
}

static int add_mdev_type(const char *key, const char *text, size_t len,
                         const struct vfa_where *where, struct vfa_spec *spec,
                         struct vfa_error *err)
{
    char **slot = vfa_array_grow(&spec->mdev_types, spec->n_mdev_types);

    len = vfa_text_strip(&text, len);
    if (!slot || !(*slot = strndup(text, len)))
        return vfa_fail_oom(err);
    spec->n_mdev_types++;
    return vfa_maker_pattern_ok(*slot) && !strchr(*slot, '/')
               ? check_brackets(where, key, *slot, err)
               : refuse_pattern(where, key, *slot, err);
}

static int read_mdev_types(const char *key, struct json_object *value,
                           const struct vfa_where *where, struct vfa_spec *spec,
                           struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(where, key, value, &text, err);

    while (r == 0 && text) {
        const char *comma = strchrnul(text, ',');

        r = add_mdev_type(key, text, (size_t)(comma - text), where, spec, err);
        text = *comma ? comma + 1 : NULL;
    }
    return r;
}

int vfa_config_spec_maker_key(const char *key, struct json_object *value,
                              const struct vfa_where *where, struct vfa_spec *spec,
                              struct vfa_error *err)
{
    uint32_t number = 0;
    int r = VFA_CONFIG_OTHER;

    if (strcmp(key, "mgmtdev") == 0)
        r = value ? read_pattern(key, value, where, &spec->mgmtdev, err) : 0;
    else if (strcmp(key, "mdev_parent") == 0)
        r = value ? read_pattern(key, value, where, &spec->mdev_parent, err) : 0;
    else if (strcmp(key, "mdev_types") == 0)
        r = value ? read_mdev_types(key, value, where, spec, err) : 0;
    else if (strcmp(key, "max_devices") == 0) {
        r = value ? vfa_config_number(where, key, value, 1, MAX_DEVICES, &number, err) : 0;
        spec->max_devices = number;
    }
    return r;
}

/* ---- keys together ---- */

/* The key of the spec that names what makes devices; NULL: none does. */
static const char *maker_key(const struct vfa_spec *spec)
{
    if (spec->mgmtdev)
        return "mgmtdev";
    if (spec->mdev_parent)
        return "mdev_parent";
    return spec->n_mdev_types > 0 ? "mdev_types" : NULL;
}

static const char *function_key(const struct vfa_spec *spec)
{
    if (spec->vendor != VFA_ID_ANY)
        return "vendor_id";
    if (spec->product != VFA_ID_ANY)
        return "product_id";
    if (spec->devname)
        return "devname";
    return spec->address ? "address" : NULL;
}

int vfa_config_check_makers(const struct vfa_spec *spec, struct vfa_error *err)
{
    const struct vfa_where *where = &spec->where;
    const char *maker = maker_key(spec), *function = function_key(spec);
    const char *after = spec->clean ? "clean" : spec->one_time_use ? "one_time_use" : NULL;

    if (spec->mgmtdev && (spec->mdev_parent || spec->n_mdev_types > 0))
        return vfa_config_fail(
            where, err,
            "cannot use mgmtdev with %s: write one device_spec for vDPA devices, and one for mediated devices",
            spec->mdev_parent ? "mdev_parent" : "mdev_types");
    if (spec->mdev_parent && function)
        return vfa_config_fail(
            where, err,
            "cannot use mdev_parent with %s: a parent that is a PCI device needs no mdev_parent",
            function);
    if (spec->max_devices && !maker)
        return vfa_config_fail(
            where, err,
            "cannot use max_devices: it needs mgmtdev, mdev_types or mdev_parent, which say what makes devices");
    if (after && maker)
        return vfa_config_fail(
            where, err,
            "cannot use %s with %s: a device that vfalias makes is destroyed when its guest stops",
            after, maker);
    return 0;
}
