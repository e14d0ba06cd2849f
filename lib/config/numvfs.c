/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads [pci] sriov_numvfs: the number of VFs of a PF. The value is an object or an array of
 * objects, as for device_spec. Each object names one PF: patterns are not allowed, and an unknown
 * key is an error.
 *
 * Invariant: each entry has either a devname or an address, and no two entries have the same.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/netdev.h"
#include "spec/spec.h"
#include "config.h"
#include "json.h"
#include "private.h"
#include "report.h"
#include "values.h"

#include <errno.h>
#include <string.h>

static int read_numvfs_text(const char *key, struct json_object *value,
                            const struct vfa_where *where, const char **ret, struct vfa_error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return vfa_config_fail(where, err, "cannot use sriov_numvfs: %s is not a string", key);
    *ret = json_object_get_string(value);
    return 0;
}

static int read_numvfs_key(const char *key, struct json_object *value,
                           const struct vfa_where *where, struct vfa_numvfs *entry,
                           struct vfa_error *err)
{
    const char *text = NULL;
    int r;

    if (strcmp(key, "numvfs") == 0)
        return vfa_config_number(where, key, value, 1, UINT16_MAX, &entry->numvfs, err);
    if (strcmp(key, "address") != 0 && strcmp(key, "devname") != 0)
        return vfa_config_fail(
            where, err, "cannot use sriov_numvfs: key '%.40s' is none of devname, address, numvfs",
            key);
    r = read_numvfs_text(key, value, where, &text, err);
    if (r < 0)
        return r;
    if (strcmp(key, "devname") == 0) {
        if (!vfa_netdev_name_ok(text))
            return vfa_config_fail(
                where, err,
                "cannot use devname '%.40s': it is not a valid name of a network interface", text);
        entry->devname = strdup(text);
        return entry->devname ? 0 : vfa_fail_oom(err);
    }
    entry->by_address = true;
    if (vfa_parse_pci_addr(text, &entry->addr) < 0)
        return vfa_config_fail(
            where, err,
            "cannot use address '%.40s': it is not a full PCI address (example: 0000:3b:00.0)",
            text);
    return 0;
}

static bool same_card(const struct vfa_numvfs *a, const struct vfa_numvfs *b)
{
    if (a->by_address || b->by_address)
        return a->by_address && b->by_address && vfa_pci_addr_compare(&a->addr, &b->addr) == 0;
    return strcmp(a->devname, b->devname) == 0;
}

static int check_numvfs(const struct vfa_config *config, const struct vfa_numvfs *entry,
                        struct vfa_error *err)
{
    if (entry->by_address == (entry->devname != NULL))
        return vfa_config_fail(&entry->where, err,
                               "cannot use sriov_numvfs: either devname or address is wanted");
    if (!entry->numvfs)
        return vfa_config_fail(&entry->where, err, "cannot use sriov_numvfs: numvfs is missing");
    for (size_t i = 0; i < config->n_numvfs; i++) {
        const struct vfa_where *first = &config->numvfs[i].where;

        if (same_card(entry, &config->numvfs[i]))
            return vfa_config_fail(
                &entry->where, err,
                "cannot use sriov_numvfs: %s:%u sets numvfs of the same card already", first->file,
                first->line);
    }
    return 0;
}

static int add_numvfs(struct vfa_config *config, struct json_object *value,
                      const struct vfa_where *where, struct vfa_error *err)
{
    VFA_AUTO(vfa_numvfs_clear) struct vfa_numvfs entry = {.where = *where};
    struct vfa_numvfs *slot;
    int r;

    if (!json_object_is_type(value, json_type_object))
        return vfa_config_fail(
            where, err, "cannot use sriov_numvfs: an object, or an array of objects, is wanted");
    json_object_object_foreach(value, key, member)
    {
        r = read_numvfs_key(key, member, where, &entry, err);
        if (r < 0)
            return r;
    }
    r = check_numvfs(config, &entry, err);
    if (r < 0)
        return r;
    slot = vfa_array_grow(&config->numvfs, config->n_numvfs);
    if (!slot)
        return vfa_fail_oom(err);
    *slot = entry;
    entry.devname = NULL; /* handed over */
    config->n_numvfs++;
    return 0;
}

int vfa_config_add_numvfs(struct vfa_config *config, const char *text,
                          const struct vfa_where *where, struct vfa_error *err)
{
    VFA_AUTO(vfa_json_putp) struct json_object *value = NULL;
    int r = vfa_json_parse(text, where, &value, err);

    if (r < 0)
        return r;
    if (!json_object_is_type(value, json_type_array))
        return add_numvfs(config, value, where, err);
    for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
        r = add_numvfs(config, json_object_array_get_idx(value, i), where, err);
    return r;
}
