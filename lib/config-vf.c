/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of an alias, JSON in: each value goes through its text form, which vf-settings.c
 * knows.
 *
 * Invariant: what was given makes sense as a whole.
 */
#include "config-private.h"

#include <errno.h>

/* JSON's booleans are yes and no, as in XML; numbers are their digits. */
static const char *text_of(struct json_object *value)
{
    if (json_object_is_type(value, json_type_boolean))
        return json_object_get_boolean(value) ? "yes" : "no";
    return vfa_json_text(value);
}

static int read_settings(struct json_object *value, struct vfa_vf_settings *ret,
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
    r = read_settings(value, &given, &why);
    if (r == -ENOMEM)
        return vfa_fail_oom(err);
    if (r < 0)
        return vfa_config_fail(where, err, "cannot use settings: %s", vfa_error_text(&why));
    *ret = given;
    return 0;
}
