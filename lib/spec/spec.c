/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a device_spec or an alias matches a device, or what makes devices. Pure: this file does
 * not know configuration text or claims; vfa_address_pattern_matches() knows the address patterns.
 *
 * Invariant: a result depends only on the arguments. Only a devname needs the VF's PF; a binary
 * search in the inventory finds it, so matching is fast on a host of any size. Source of the rules:
 * Nova's nova/pci/devspec.py, nova/pci/utils.py and nova/pci/stats.py.
 */

#include "spec.h"

#include "base/common.h"
#include "base/parse.h"
#include "base/tags.h"
#include "base/text.h"
#include "device/device.h"
#include "device/inventory.h"
#include "private.h"

#include <errno.h>
#include <string.h>

#define CLEANER_NAME_MAX 64
#define REMOTE_MANAGED   "remote_managed"
#define MANAGED          "managed"

static bool id_matches(int want, uint16_t have)
{
    return want == VFA_ID_ANY || want == have;
}

static bool netdev_is(const struct vfa_device *dev, const char *name)
{
    return dev && dev->netdev && strcmp(dev->netdev, name) == 0;
}

bool vfa_spec_matches_function(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                               const struct vfa_device *function)
{
    if (function->addr.domain > VFA_NOVA_DOMAIN_MAX)
        return false;
    if (!id_matches(spec->vendor, function->vendor) ||
        !id_matches(spec->product, function->product))
        return false;
    if (spec->address && !vfa_address_pattern_matches(spec->address, function))
        return false;
    return !spec->devname || netdev_is(function, spec->devname) ||
           netdev_is(vfa_inventory_parent(inv, function), spec->devname);
}

bool vfa_spec_names_makers(const struct vfa_spec *spec)
{
    return spec->mgmtdev || spec->n_mdev_types > 0 || spec->mdev_parent;
}

bool vfa_spec_matches(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                      const struct vfa_device *dev)
{
    return !vfa_spec_names_makers(spec) && vfa_spec_matches_function(spec, inv, dev);
}

/* A tag that is no boolean is false. */
static bool is_true(const struct vfa_tags *tags, const char *key)
{
    const char *text = tags ? vfa_tags_get(tags, key) : NULL;
    bool value;

    return text && vfa_parse_oslo_bool(text, &value) == 0 && value;
}

bool vfa_spec_live_migratable(const struct vfa_spec *spec)
{
    return spec && is_true(&spec->tags, "live_migratable");
}

bool vfa_alias_managed(const struct vfa_alias *alias, const struct vfa_spec *spec)
{
    if (alias && alias->said[VFA_ALIAS_MANAGED].file)
        return alias->managed;
    return !spec || !vfa_tags_get(&spec->tags, MANAGED) || is_true(&spec->tags, MANAGED);
}

/* Nova ignores case in this comparison of tags, unlike in its pools. */
static bool tags_match(const struct vfa_tags *have, const struct vfa_tags *want)
{
    for (size_t i = 0; i < want->n; i++) {
        const char *value = have ? vfa_tags_get(have, want->items[i].key) : NULL;

        if (!value || !vfa_text_same(value, want->items[i].value))
            return false;
    }
    return true;
}

bool vfa_choice_matches_driver(const struct vfa_alias_choice *choice, const struct vfa_device *dev)
{
    return !choice->driver || (dev && dev->driver && strcmp(choice->driver, dev->driver) == 0);
}

bool vfa_choice_matches(const struct vfa_alias_choice *choice, const struct vfa_device *dev,
                        const struct vfa_tags *tags)
{
    if (!dev)
        return choice->vendor == VFA_ID_ANY && choice->product == VFA_ID_ANY && choice->class < 0 &&
               tags_match(tags, &choice->tags);
    if (!id_matches(choice->vendor, dev->vendor) || !id_matches(choice->product, dev->product))
        return false;
    if (choice->class >= 0 && choice->class != (int64_t)(dev->class >> choice->class_shift))
        return false;
    return tags_match(tags, &choice->tags);
}

bool vfa_alias_takes_tags(const struct vfa_alias *alias, const struct vfa_tags *tags)
{
    bool wanted = !is_true(tags, REMOTE_MANAGED);

    for (size_t i = 0; !wanted && i < alias->n_choices; i++)
        wanted = is_true(&alias->choices[i].tags, REMOTE_MANAGED);
    return wanted;
}

bool vfa_alias_selects_function(const struct vfa_alias *alias, const struct vfa_device *dev,
                                const struct vfa_spec *spec, bool with_driver)
{
    const struct vfa_tags *tags = spec ? &spec->tags : NULL;

    if (!(alias->types & 1u << dev->type) || !vfa_alias_takes_tags(alias, tags))
        return false;
    for (size_t i = 0; i < alias->n_choices; i++) {
        const struct vfa_alias_choice *choice = &alias->choices[i];

        if (vfa_choice_matches(choice, dev, tags) &&
            (!with_driver || vfa_choice_matches_driver(choice, dev)))
            return true;
    }
    return false;
}

static const char *const policy_names[] = {
    [VFA_NUMA_LEGACY] = "legacy",
    [VFA_NUMA_REQUIRED] = "required",
    [VFA_NUMA_PREFERRED] = "preferred",
    [VFA_NUMA_SOCKET] = "socket",
};

const char *vfa_numa_policy_name(enum vfa_numa_policy policy)
{
    return policy_names[policy];
}

int vfa_numa_policy_parse(const char *text, enum vfa_numa_policy *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(policy_names); i++) {
        if (strcmp(text, policy_names[i]) == 0) {
            *ret = (enum vfa_numa_policy)i;
            return 0;
        }
    }
    return -EINVAL;
}

bool vfa_alias_name_ok(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return *name && !name[strspn(name, allowed)];
}

bool vfa_cleaner_name_ok(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t len = strlen(name);

    return len > 0 && len <= CLEANER_NAME_MAX && strspn(name, allowed) == len && *name != '.' &&
           *name != '-';
}

static void free_spec_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

void vfa_spec_clear(struct vfa_spec *spec)
{
    vfa_address_pattern_free(spec->address);
    free(spec->devname);
    free(spec->mgmtdev);
    free(spec->mdev_parent);
    free_spec_texts(spec->mdev_types, spec->n_mdev_types);
    free(spec->clean);
    vfa_tags_clear(&spec->tags);
    memset(spec, 0, sizeof(*spec));
}

static void choice_clear(struct vfa_alias_choice *choice)
{
    vfa_tags_clear(&choice->tags);
    free(choice->driver);
    free(choice->mdev_type);
    memset(choice, 0, sizeof(*choice));
}

void vfa_alias_clear(struct vfa_alias *alias)
{
    for (size_t i = 0; i < alias->n_choices; i++)
        choice_clear(&alias->choices[i]);
    vfa_attributes_free(alias->sysfs, alias->n_sysfs);
    free_spec_texts(alias->permit, alias->n_permit);
    free_spec_texts(alias->any_of, alias->n_any_of);
    free(alias->choices);
    free(alias->name);
    free(alias->xml_name);
    free(alias->profileid);
    free(alias->bridge);
    memset(alias, 0, sizeof(*alias));
}
