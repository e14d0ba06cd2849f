/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See values.h. Settings of an alias are converted to their text form, which device/vf-settings.h
 * parses.
 *
 * Invariant: *ret is written only if the value is valid, and settings also if they fit together.
 */

#include "values.h"

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "json.h"
#include "report.h"

#include <errno.h>
#include <string.h>

int vfa_config_text(const struct vfa_where *where, const char *key, struct json_object *value,
                    const char **ret, struct vfa_error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return vfa_config_fail(where, err, "cannot use %s: it is not a string", key);
    *ret = json_object_get_string(value);
    return 0;
}

int vfa_config_word(const struct vfa_where *where, const char *key, const char *text,
                    const struct vfa_config_word *words, size_t n, unsigned *ret,
                    struct vfa_error *err)
{
    char list[128] = "";

    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(list);

        if (strcmp(text, words[i].text) == 0) {
            *ret = words[i].value;
            return 0;
        }
        snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i].text);
    }
    return vfa_config_fail(where, err, "cannot use %s '%.40s': it is none of %s", key, text, list);
}

int vfa_config_bool(const struct vfa_where *where, const char *key, struct json_object *value,
                    bool *ret, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);

    if (!text)
        return vfa_fail_oom(err);
    if (json_object_is_type(value, json_type_boolean)) {
        *ret = json_object_get_boolean(value);
        return 0;
    }
    if (!json_object_is_type(value, json_type_string) || vfa_parse_bool(text, ret) < 0)
        return vfa_config_fail(where, err,
                               "cannot use %s '%.40s': true, false, \"yes\" or \"no\" is wanted",
                               key, text);
    return 0;
}

int vfa_config_number(const struct vfa_where *where, const char *key, struct json_object *value,
                      uint32_t min, uint32_t max, uint32_t *ret, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);
    uint32_t number;

    if (!text)
        return vfa_fail_oom(err);
    if ((!json_object_is_type(value, json_type_int) &&
         !json_object_is_type(value, json_type_string)) ||
        vfa_parse_u32(text, max, &number) < 0 || number < min)
        return vfa_config_fail(where, err,
                               "cannot use %s '%.40s': a whole number in %u to %u is wanted", key,
                               text, (unsigned)min, (unsigned)max);
    *ret = number;
    return 0;
}

int vfa_config_oslo_bool(const struct vfa_where *where, const char *key, struct json_object *value,
                         bool *ret, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);

    if (!text)
        return vfa_fail_oom(err);
    if (vfa_parse_oslo_bool(text, ret) == 0)
        return 0;
    return vfa_config_fail(
        where, err,
        "cannot use %s '%.40s': it is neither true nor false (1, t, true, on, y, yes; 0, f, false, off, n, no)",
        key, text);
}

bool vfa_config_tag_is_bool(const char *key)
{
    static const char *const keys[] = {"managed", "live_migratable"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

int vfa_config_tag(struct vfa_tags *tags, const char *key, struct json_object *value,
                   const struct vfa_where *where, struct vfa_error *err)
{
    const char *text = vfa_json_text(value);
    bool truth;

    if (!text)
        return vfa_fail_oom(err);
    if (json_object_is_type(value, json_type_null))
        return 0;
    if (vfa_config_tag_is_bool(key)) {
        int r = vfa_config_oslo_bool(where, key, value, &truth, err);

        if (r < 0)
            return r;
        text = truth ? "true" : "false";
    }
    return vfa_tags_set(tags, key, text, err);
}

/* ---- settings ---- */

/* Returns the text form of a setting: JSON's booleans are yes and no, as in XML. */
static const char *text_of(struct json_object *value)
{
    if (json_object_is_type(value, json_type_boolean))
        return json_object_get_boolean(value) ? "yes" : "no";
    return vfa_json_text(value);
}

static int read_vf_settings(struct json_object *value, struct vfa_vf_settings *ret,
                            struct vfa_error *err)
{
    json_object_object_foreach(value, key, member)
    {
        const char *text = text_of(member);
        int r = text ? vfa_vf_settings_parse(ret, key, text, err) : vfa_fail_oom(err);

        if (r < 0)
            return r;
    }
    if (!ret->given)
        return vfa_fail(err, EINVAL, "nothing is set");
    return vfa_vf_settings_check(ret, err);
}

int vfa_config_vf_settings(const struct vfa_where *where, struct json_object *value,
                           struct vfa_vf_settings *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_vf_settings given = {0};
    int r;

    if (!json_object_is_type(value, json_type_object))
        return vfa_config_fail(where, err, "cannot use settings: an object is wanted");
    r = read_vf_settings(value, &given, &why);
    if (r == -ENOMEM)
        return vfa_fail_oom(err);
    if (r < 0)
        return vfa_config_fail(where, err, "cannot use settings: %s", vfa_error_text(&why));
    *ret = given;
    return 0;
}
