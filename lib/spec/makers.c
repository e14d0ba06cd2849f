/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See makers.h. */

#include "makers.h"

#include "base/common.h"
#include "device/device.h"
#include "device/inventory.h"
#include "private.h"
#include "spec.h"

#include <fnmatch.h>
#include <string.h>

struct maker {
    const char *mgmtdev; /* the name of a management device; NULL: `parent` and `type` */
    char parent[VFA_MAKER_PATTERN_MAX + 1]; /* a longer name matches nothing */
    const char *type;
};

static const char *after_prefix(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 && text[len] ? text + len : NULL;
}

static bool split_maker(const char *text, struct maker *ret)
{
    const char *parent, *slash;
    size_t len;

    *ret = (struct maker){.mgmtdev = after_prefix(text, VFA_MAKER_MGMTDEV)};
    if (ret->mgmtdev)
        return true;
    parent = after_prefix(text, VFA_MAKER_MDEV);
    slash = parent ? strchr(parent, '/') : NULL;
    len = slash ? (size_t)(slash - parent) : 0;
    if (len == 0 || len > VFA_MAKER_PATTERN_MAX || !slash[1])
        return false;
    memcpy(ret->parent, parent, len);
    ret->type = slash + 1;
    return true;
}

/* A backslash is in no name, so it has no meaning in a pattern. */
static bool has_name(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, FNM_NOESCAPE) == 0;
}

static bool names_function(const struct vfa_spec *spec)
{
    return spec->vendor != VFA_ID_ANY || spec->product != VFA_ID_ANY || spec->devname ||
           (spec->address && !vfa_address_pattern_is_any(spec->address));
}

static bool is_for_mdevs(const struct vfa_spec *spec)
{
    return spec->n_mdev_types > 0 || spec->mdev_parent;
}

static bool allows_type(const struct vfa_spec *spec, const char *type)
{
    for (size_t i = 0; i < spec->n_mdev_types; i++) {
        if (has_name(spec->mdev_types[i], type))
            return true;
    }
    return spec->n_mdev_types == 0;
}

static bool allows_maker(const struct vfa_spec *spec, const struct maker *maker)
{
    if (maker->mgmtdev)
        return !is_for_mdevs(spec) && (!spec->mgmtdev || has_name(spec->mgmtdev, maker->mgmtdev));
    return is_for_mdevs(spec) &&
           (!spec->mdev_parent || has_name(spec->mdev_parent, maker->parent)) &&
           allows_type(spec, maker->type);
}

bool vfa_spec_matches_maker(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                            const char *maker, const struct vfa_device *function)
{
    struct maker names;

    if (!split_maker(maker, &names) || !allows_maker(spec, &names))
        return false;
    if (function)
        return vfa_spec_matches_function(spec, inv, function);
    return vfa_spec_names_makers(spec) && !names_function(spec);
}

bool vfa_alias_selects_maker(const struct vfa_alias *alias, const char *maker, unsigned types,
                             const struct vfa_device *function, const struct vfa_spec *spec)
{
    const struct vfa_tags *tags = spec ? &spec->tags : NULL;
    struct maker names;

    if (!split_maker(maker, &names) || !(alias->types & types) ||
        !vfa_alias_takes_tags(alias, tags))
        return false;
    for (size_t i = 0; i < alias->n_choices; i++) {
        const struct vfa_alias_choice *choice = &alias->choices[i];

        if (choice->mdev_type && (!names.type || strcmp(choice->mdev_type, names.type) != 0))
            continue;
        if (vfa_choice_matches(choice, function, tags) &&
            vfa_choice_matches_driver(choice, function))
            return true;
    }
    return false;
}

bool vfa_spec_allows_mdev_type(const struct vfa_spec *spec, const char *type)
{
    return is_for_mdevs(spec) && allows_type(spec, type);
}

bool vfa_spec_allows_vdpa(const struct vfa_spec *spec)
{
    return !is_for_mdevs(spec);
}

bool vfa_maker_pattern_ok(const char *name)
{
    size_t len = 0;

    for (; name[len]; len++) {
        if (name[len] <= ' ' || name[len] > '~' || strchr("\"'\\", name[len]))
            return false;
    }
    return len > 0 && len <= VFA_MAKER_PATTERN_MAX;
}
