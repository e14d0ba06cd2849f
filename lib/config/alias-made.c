/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of an alias for devices that are made when a guest claims them (mdev_type, vdpa,
 * existing), and of an alias that selects no devices (bridge, any_of).
 *
 * Invariant: the value of each key is valid by itself. vfa_config_alias_check_kind() checks that
 * the keys fit together, and vfa_config_check_chains() the names in any_of.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/netdev.h"
#include "spec/makers.h"
#include "spec/spec.h"
#include "private.h"
#include "report.h"
#include "values.h"

#include <errno.h>
#include <string.h>

#define MAX_CHAIN 16 /* aliases in any_of */

/* ---- devices that are made ---- */

static int read_mdev_type(struct vfa_alias_reader *reader, const char *key,
                          struct json_object *value, struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);

    if (r < 0)
        return r;
    if (!vfa_maker_pattern_ok(text) || strpbrk(text, "/,*?["))
        return vfa_config_fail(
            reader->where, err,
            "cannot use %s '%.40s': the name of one type is wanted, as in mdev_supported_types of sysfs",
            key, text);
    reader->choice->mdev_type = strdup(text);
    return reader->choice->mdev_type ? 0 : vfa_fail_oom(err);
}

static int read_vdpa_member(struct vfa_alias_reader *reader, const char *name,
                            struct json_object *value, struct vfa_error *err)
{
    struct vfa_vdpa_config *vdpa = &reader->alias->vdpa;
    uint32_t number = 0;
    int r;

    if (strcmp(name, "max_vqp") == 0) {
        r = vfa_config_number(reader->where, name, value, 1, VFA_VDPA_MAX_VQP, &number, err);
        vdpa->max_vqp = (uint16_t)number;
        return r;
    }
    if (strcmp(name, "mtu") == 0) {
        r = vfa_config_number(reader->where, name, value, VFA_VDPA_MIN_MTU, UINT16_MAX, &number,
                              err);
        vdpa->mtu = (uint16_t)number;
        return r;
    }
    return vfa_config_fail(reader->where, err,
                           "cannot use vdpa: key '%.40s' is none of max_vqp, mtu", name);
}

static int read_vdpa(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                     struct vfa_error *err)
{
    if (!json_object_is_type(value, json_type_object) || json_object_object_length(value) == 0)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s: an object with max_vqp or mtu is wanted", key);
    json_object_object_foreach(value, name, member)
    {
        int r = read_vdpa_member(reader, name, member, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int read_existing(struct vfa_alias_reader *reader, const char *key,
                         struct json_object *value, struct vfa_error *err)
{
    return vfa_config_bool(reader->where, key, value, &reader->alias->existing, err);
}

/* ---- aliases without devices ---- */

static int read_bridge(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);

    if (r < 0)
        return r;
    if (!vfa_netdev_name_ok(text))
        return vfa_config_fail(reader->where, err,
                               "cannot use %s '%.40s': it is not a valid name of a bridge", key,
                               text);
    reader->alias->bridge = strdup(text);
    return reader->alias->bridge ? 0 : vfa_fail_oom(err);
}

static int add_chained(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    struct vfa_alias *alias = reader->alias;
    const char *text = NULL;
    int r = vfa_config_text(reader->where, key, value, &text, err);
    char **slot;

    if (r < 0)
        return r;
    for (size_t i = 0; i < alias->n_any_of; i++) {
        if (strcmp(alias->any_of[i], text) == 0)
            return vfa_config_fail(reader->where, err, "cannot use %s: '%.40s' is there twice", key,
                                   text);
    }
    slot = vfa_array_grow(&alias->any_of, alias->n_any_of);
    if (!slot || !(*slot = strdup(text)))
        return vfa_fail_oom(err);
    alias->n_any_of++;
    return 0;
}

static int read_any_of(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                       struct vfa_error *err)
{
    size_t n = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
    int r = 0;

    if (n < 1 || n > MAX_CHAIN)
        return vfa_config_fail(reader->where, err,
                               "cannot use %s: an array of 1 to %d names of aliases is wanted", key,
                               MAX_CHAIN);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_chained(reader, key, json_object_array_get_idx(value, i), err);
    return r;
}

static const struct vfa_alias_own_key made_keys[] = {
    {"any_of", read_any_of, VFA_ALIAS_KEYS},
    {"bridge", read_bridge, VFA_ALIAS_KEYS},
    {"existing", read_existing, VFA_ALIAS_EXISTING},
    {"mdev_type", read_mdev_type, VFA_ALIAS_KEYS},
    {"vdpa", read_vdpa, VFA_ALIAS_VDPA},
};

int vfa_config_alias_made(struct vfa_alias_reader *reader, const char *key,
                          struct json_object *value, struct vfa_error *err)
{
    return vfa_config_alias_read_own(reader, key, value, made_keys, ARRAY_SIZE(made_keys), err);
}
