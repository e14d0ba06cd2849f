/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Warnings about a device_spec that is valid but probably wrong: keys that become tags by mistake,
 * expressions that match more or fewer devices than intended, addresses that leave out the VFs.
 *
 * Invariant: a warning changes nothing. This file must not use an inventory, so that a
 * configuration gives the same warnings on each host.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/tags.h"
#include "base/text.h"
#include "spec/spec.h"
#include "config.h"
#include "json.h"
#include "private.h"
#include "report.h"

#include <string.h>

#define NETDEV_NAME_MAX 15 /* IFNAMSIZ without the NUL */

/* Keys that are probably a mistake for another one. */
static const struct {
    const char *key, *meant;
} likely_keys[] = {
    {"device_id", "product_id"},
    {"device", "product_id"},
    {"product", "product_id"},
    {"vendor", "vendor_id"},
    {"addr", "address"},
    {"pci_address", "address"},
    {"device_addresses", "address"},
    {"bus", "\"address\": {\"bus\": ...}"},
    {"dev_name", "devname"},
    {"device_name", "devname"},
    {"netdev", "devname"},
    {"interface", "devname"},
    {"physnet", "physical_network"},
    {"physical_networks", "physical_network"},
    {"physical-network", "physical_network"},
    {"network", "physical_network"},
    {"trait", "traits"},
    {"cleaner", "clean"},
    {"cleaning", "clean"},
    {"mgmt_dev", "mgmtdev"},
    {"management_device", "mgmtdev"},
    {"mdev_type", "mdev_types"},
    {"max_instances", "max_devices"},
};

static const char *const known_keys[] = {
    "vendor_id",       "product_id",     "address",        "devname",      "managed",
    "live_migratable", "trusted",        "remote_managed", "one_time_use", "physical_network",
    "traits",          "resource_class", "clean",          "mgmtdev",      "max_devices",
    "mdev_types",      "mdev_parent"};

static const char *const alias_keys[] = {
    "name",   "class",           "driver",   "device_type",    "dev_type",
    "attach", "capability_type", "hold",     "max_per_domain", "numa_policy",
    "order",  "permit",          "settings", "profileid",      "on_attach_failure",
    "sysfs",  "settings_policy", "xml_name", "existing",       "vdpa",
    "bridge", "any_of"};

/* Returns the key that was probably meant, or NULL. */
static const char *meant_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(likely_keys); i++) {
        if (vfa_text_same(key, likely_keys[i].key))
            return likely_keys[i].meant;
    }
    for (size_t i = 0; i < ARRAY_SIZE(known_keys); i++) {
        if (vfa_text_same(key, known_keys[i]) && strcmp(key, known_keys[i]) != 0)
            return known_keys[i];
    }
    return NULL;
}

static bool is_alias_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(alias_keys); i++) {
        if (vfa_text_same(key, alias_keys[i]))
            return true;
    }
    return false;
}

static int check_key(struct vfa_config *config, const char *key, const struct vfa_where *where,
                     struct vfa_error *err)
{
    const char *meant = meant_key(key);

    if (meant)
        return vfa_config_warn(config, where, err,
                               "key '%s' is only a tag and selects no device: '%s' is meant?", key,
                               meant);
    if (is_alias_key(key))
        return vfa_config_warn(
            config, where, err,
            "key '%s' is only a tag and selects no device: it is a key of an alias", key);
    return 0;
}

static int check_tags(struct vfa_config *config, const struct vfa_spec *spec, struct vfa_error *err)
{
    const char *remote = vfa_tags_get(&spec->tags, "remote_managed");
    bool truth = false;

    if (vfa_spec_names_makers(spec) && vfa_tags_get(&spec->tags, "managed"))
        return vfa_config_warn(
            config, &spec->where, err,
            "managed has no effect here: only PCI devices are bound to vfio-pci and back");
    if (remote && vfa_parse_oslo_bool(remote, &truth) == 0 && truth)
        return vfa_config_warn(
            config, &spec->where, err,
            "only aliases that ask for remote_managed can get the device; the serial number that Nova requires is not checked");
    return 0;
}

/* Checks one regular expression of an address object. */
static int check_regex(struct vfa_config *config, const char *field, const char *text,
                       const struct vfa_where *where, struct vfa_error *err)
{
    size_t digits = strspn(text, "0123456789abcdefABCDEF"), len = strlen(text);
    size_t width = strcmp(field, "domain") == 0 ? 4 : strcmp(field, "function") == 0 ? 1 : 2;

    if (len == 0)
        return 0;
    if (strpbrk(text, "ABCDEF") && !strchr(text, '\\') && !strchr(text, '('))
        return vfa_config_warn(config, where, err,
                               "%s '%s' has upper-case digits: fields are compared in lower case",
                               field, text);
    if (digits > 0 && digits + 1 == len && (text[digits] == '*' || text[digits] == '?'))
        return vfa_config_warn(
            config, where, err,
            "%s '%s' is a regular expression: '%c' says how often the digit before it comes; '.*' stands for anything",
            field, text, text[digits]);
    if (strstr(text, "[:"))
        return vfa_config_warn(
            config, where, err,
            "%s '%s': the expressions are Python's, which has no classes like [:digit:]", field,
            text);
    if (digits == len && len < width)
        return vfa_config_warn(
            config, where, err,
            "%s '%s' matches every %s that starts with it: write '%.*s%s' for an exact match",
            field, text, field, (int)(width - len), "000", text);
    if (digits == len && len > width)
        return vfa_config_warn(config, where, err,
                               "%s '%s' matches nothing: the field has %zu digits", field, text,
                               width);
    return 0;
}

static int check_address_key(struct vfa_config *config, const char *key, const char *text,
                             const struct vfa_where *where, struct vfa_error *err)
{
    static const char *const keys[] = {"domain", "bus", "slot", "function"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i]) == 0)
            return check_regex(config, key, text, where, err);
    }
    return vfa_config_warn(
        config, where, err,
        "key '%s' in address is ignored: domain, bus, slot and function are known", key);
}

static int check_address_object(struct vfa_config *config, struct json_object *address,
                                const struct vfa_where *where, struct vfa_error *err)
{
    json_object_object_foreach(address, key, value)
    {
        const char *text = vfa_json_text(value);
        int r = text ? check_address_key(config, key, text, where, err) : vfa_fail_oom(err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int check_devname(struct vfa_config *config, const struct vfa_spec *spec,
                         struct vfa_error *err)
{
    if (strlen(spec->devname) <= NETDEV_NAME_MAX && !strpbrk(spec->devname, "/ :*?["))
        return 0;
    return vfa_config_warn(
        config, &spec->where, err,
        "devname '%s' cannot be the name of a network device: patterns are not supported there",
        spec->devname);
}

static bool allows_all(const struct vfa_spec *spec)
{
    return spec->vendor == VFA_ID_ANY && spec->product == VFA_ID_ANY && !spec->devname &&
           !vfa_spec_names_makers(spec) &&
           (!spec->address || vfa_address_pattern_is_any(spec->address));
}

static int check_selection(struct vfa_config *config, const struct vfa_spec *spec,
                           struct vfa_error *err)
{
    if (allows_all(spec))
        return vfa_config_warn(config, &spec->where, err,
                               "this device_spec allows every PCI device of the host");
    if (spec->vendor == VFA_ID_NONE || spec->product == VFA_ID_NONE)
        return vfa_config_warn(config, &spec->where, err, "a negative id matches no device");
    if (spec->address && vfa_address_pattern_lacks_domain(spec->address))
        return vfa_config_warn(
            config, &spec->where, err,
            "an address without a domain does not stand for the VFs of a PF: write all four fields if they are meant");
    return 0;
}

int vfa_config_check_spec(struct vfa_config *config, const struct vfa_spec *spec,
                          struct json_object *value, struct vfa_error *err)
{
    struct json_object *address = json_object_object_get(value, "address");
    int r = 0;

    for (size_t i = 0; r == 0 && i < spec->tags.n; i++)
        r = check_key(config, spec->tags.items[i].key, &spec->where, err);
    if (r == 0)
        r = check_tags(config, spec, err);
    if (r == 0 && json_object_is_type(address, json_type_object))
        r = check_address_object(config, address, &spec->where, err);
    if (r == 0 && spec->devname)
        r = check_devname(config, spec, err);
    return r < 0 ? r : check_selection(config, spec, err);
}
