/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which keys an alias may have together. An alias is of one kind: it selects PCI devices, vDPA
 * devices or mediated devices, or it selects no devices and is a bridge or a chain (any_of).
 *
 * Invariant: of each key of an alias, the row of the table says which kinds have it. A key without
 * a row is a tag, which each alias with devices can have.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/attach.h"
#include "spec/makers.h"
#include "spec/spec.h"
#include "private.h"
#include "report.h"

#include <string.h>

enum {
    OF_PCI = 1u << 0,
    OF_VDPA = 1u << 1,
    OF_VDPA_BLOCK = 1u << 2,
    OF_MDEV = 1u << 3,
    OF_BRIDGE = 1u << 4,
    OF_CHAIN = 1u << 5,

    OF_MADE = OF_VDPA | OF_VDPA_BLOCK | OF_MDEV,
    OF_DEVICES = OF_PCI | OF_MADE,
    OF_ALL = OF_DEVICES | OF_BRIDGE | OF_CHAIN,
};

static const struct kind_key {
    const char *name;
    unsigned kinds;
} kind_keys[] = {
    {"name", OF_ALL},
    {"xml_name", OF_ALL},
    {"permit", OF_ALL},
    {"max_per_domain", OF_ALL},
    {"hold", OF_ALL},
    {"on_attach_failure", OF_ALL},
    {"attach", OF_DEVICES | OF_BRIDGE},
    {"bridge", OF_BRIDGE},
    {"any_of", OF_CHAIN},
    {"managed", OF_PCI},
    {"profileid", OF_PCI},
    {"settings", OF_PCI},
    {"settings_policy", OF_PCI},
    {"sysfs", OF_PCI | OF_MDEV},
    {"vdpa", OF_VDPA},
    {"mdev_type", OF_MDEV},
    {"existing", OF_MADE},
};

static unsigned kinds_of_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(kind_keys); i++) {
        if (strcmp(key, kind_keys[i].name) == 0)
            return kind_keys[i].kinds;
    }
    return OF_DEVICES;
}

static unsigned kind_of_alias(const struct vfa_alias *alias)
{
    if (alias->any_of)
        return OF_CHAIN;
    if (alias->attach == VFA_ATTACH_BRIDGE)
        return OF_BRIDGE;
    if (alias->types & 1u << VFA_TYPE_VDPA)
        return OF_VDPA;
    if (alias->types & 1u << VFA_TYPE_VDPA_BLOCK)
        return OF_VDPA_BLOCK;
    return alias->types & 1u << VFA_TYPE_MDEV ? OF_MDEV : OF_PCI;
}

/* What makes an alias one of this kind, for a message. */
static const char *mark_of_kind(unsigned kind)
{
    switch (kind) {
    case OF_CHAIN:
        return "any_of";
    case OF_BRIDGE:
        return "attach bridge";
    case OF_VDPA:
        return "device_type vdpa";
    case OF_VDPA_BLOCK:
        return "device_type vdpa-block";
    case OF_MDEV:
        return "device_type mdev";
    }
    return "PCI devices";
}

static int refuse_key(const struct vfa_alias_reader *reader, const char *key, unsigned kind,
                      struct vfa_error *err)
{
    char list[128] = "";

    for (unsigned bit = OF_PCI; bit <= OF_CHAIN; bit <<= 1) {
        size_t used = strlen(list);

        if (kinds_of_key(key) & bit)
            snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", mark_of_kind(bit));
    }
    return vfa_config_fail(reader->where, err,
                           "cannot use key '%.40s' in an alias with %s: it is for aliases with %s",
                           key, mark_of_kind(kind), list);
}

static int check_keys_of_kind(const struct vfa_alias_reader *reader, struct json_object *object,
                              unsigned kind, struct vfa_error *err)
{
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        if (!(kinds_of_key(key) & kind))
            return refuse_key(reader, key, kind, err);
    }
    return 0;
}

static int check_needed_keys(const struct vfa_alias_reader *reader, unsigned kind,
                             struct vfa_error *err)
{
    const struct vfa_alias *alias = reader->alias;

    if (kind == OF_MDEV && !reader->choice->mdev_type)
        return vfa_config_fail(reader->where, err,
                               "cannot use alias '%.40s': device_type mdev needs a mdev_type",
                               alias->name);
    if (kind == OF_BRIDGE && !alias->bridge)
        return vfa_config_fail(reader->where, err,
                               "cannot use alias '%.40s': attach bridge needs the key bridge",
                               alias->name);
    return 0;
}

/* The first way to attach devices of these types is the default. */
static enum vfa_attach_kind default_attach(unsigned types)
{
    enum vfa_attach_kind kind = VFA_ATTACH_HOSTDEV;

    while (kind < VFA_ATTACH_KINDS - 1 && !(vfa_attach_facts(kind)->types & types))
        kind++;
    return kind;
}

static int check_attach(const struct vfa_alias_reader *reader, struct vfa_error *err)
{
    const struct vfa_alias *alias = reader->alias;
    const struct vfa_attach_facts *facts = vfa_attach_facts(alias->attach);
    char list[64] = "";

    if (facts->types & alias->types)
        return 0;
    for (int type = VFA_TYPE_PCI; type <= VFA_TYPE_MDEV; type++) {
        size_t used = strlen(list);

        if (facts->types & 1u << type)
            snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
                     vfa_dev_type_name((enum vfa_dev_type)type));
    }
    return vfa_config_fail(reader->where, err, "cannot use attach '%s': it is for device_type %s",
                           facts->name, list);
}

/* Warns if no device_spec allows the devices of the alias. */
static int check_allowed(struct vfa_alias_reader *reader, unsigned kind, struct vfa_error *err)
{
    const struct vfa_config *config = reader->config;
    const char *type = reader->choice->mdev_type;
    bool allowed = kind == OF_PCI;

    for (size_t i = 0; !allowed && i < config->n_specs; i++)
        allowed = kind == OF_MDEV ? vfa_spec_allows_mdev_type(&config->specs[i], type)
                                  : vfa_spec_allows_vdpa(&config->specs[i]);
    if (allowed)
        return 0;
    if (kind == OF_MDEV)
        return vfa_config_warn(
            reader->config, reader->where, err,
            "alias '%s' wants mdev_type '%s', which no device_spec allows: it matches no device",
            reader->alias->name, type);
    return vfa_config_warn(
        reader->config, reader->where, err,
        "alias '%s' wants vDPA devices, which no device_spec allows: it matches no device",
        reader->alias->name);
}

int vfa_config_alias_check_kind(struct vfa_alias_reader *reader, struct json_object *object,
                                struct vfa_error *err)
{
    struct vfa_alias *alias = reader->alias;
    unsigned kind = kind_of_alias(alias);
    int r = check_keys_of_kind(reader, object, kind, err);

    if (r == 0)
        r = check_needed_keys(reader, kind, err);
    if (r < 0)
        return r;
    if (!(kind & OF_DEVICES)) {
        alias->types = 0;
        return 0;
    }
    if (!alias->said[VFA_ALIAS_ATTACH].file)
        alias->attach = default_attach(alias->types);
    r = check_attach(reader, err);
    return r < 0 ? r : check_allowed(reader, kind, err);
}
