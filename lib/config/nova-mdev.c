/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Judges the options of a nova.conf for mediated devices: [devices] enabled_mdev_types, and the
 * sections [mdev_TYPE] (older name: [vgpu_TYPE]). vfalias reads none of them; each finding says what
 * to write instead. Sources: nova/conf/devices.py, and _get_supported_vgpu_types() in
 * nova/virt/libvirt/driver.py.
 *
 * Invariant: as in Nova, only sections of enabled types count.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "base/tags.h"
#include "base/text.h"
#include "spec/makers.h"
#include "spec/spec.h"
#include "ini.h"
#include "nova-private.h"
#include "nova-report.h"
#include "report.h"

#include <errno.h>
#include <string.h>

#define CLASS_MAX 255

struct mdevs {
    struct vfa_nova *nova;
    const char *path;
    const struct vfa_ini *ini;
    struct vfa_tags types; /* keys: the types that have been judged */
    struct vfa_tags used;  /* keys: parents that a section names; values: their types */
    char *default_type;    /* of the parents that no section names; NULL: none */
};

static void mdevs_clear(struct mdevs *mdevs)
{
    vfa_tags_clear(&mdevs->types);
    vfa_tags_clear(&mdevs->used);
    free(mdevs->default_type);
}

/* Takes the next item of a comma list that is not empty, without the blanks around it. free() *ret;
 * it is NULL at the end of the list. */
static int take_item(const char **list, char **ret, struct vfa_error *err)
{
    *ret = NULL;
    while (**list && !*ret) {
        const char *item = *list, *comma = strchrnul(item, ',');
        size_t len = vfa_text_strip(&item, (size_t)(comma - item));

        *list = *comma ? comma + 1 : comma;
        if (len > 0 && !(*ret = strndup(item, len)))
            return vfa_fail_oom(err);
    }
    return 0;
}

/* Finds an option of the section of a type. */
static const struct vfa_ini_entry *option_of_type(const struct mdevs *mdevs, const char *type,
                                                  const char *key)
{
    static const char *const prefixes[] = {"mdev_", "vgpu_"};
    const struct vfa_ini_entry *found = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(prefixes) && !found; i++) {
        size_t len = strlen(prefixes[i]);

        for (size_t j = 0; j < mdevs->ini->n; j++) {
            const struct vfa_ini_entry *entry = &mdevs->ini->entries[j];

            if (strncmp(entry->section, prefixes[i], len) == 0 &&
                vfa_text_same(entry->section + len, type) && strcmp(entry->key, key) == 0)
                found = entry;
        }
    }
    return found;
}

/* ---- device_addresses ---- */

/* Nova takes digits in upper case too. */
static bool is_pci_address(const char *text)
{
    char lower[VFA_PCI_ADDR_SIZE];
    struct vfa_pci_addr addr;
    size_t n = 0;

    for (; n < sizeof(lower) - 1 && text[n]; n++)
        lower[n] = vfa_text_lower(text[n]);
    lower[n] = '\0';
    return !text[n] && vfa_parse_pci_addr(lower, &addr) == 0;
}

/* Appends the device_spec of one parent to *text. Nova names a parent that is no PCI device as
 * libvirt does: by its path below /sys/devices/virtual, with '_' for '/'. */
static int append_spec(char **text, const char *parent, const char *type, struct vfa_error *err)
{
    bool is_pci = is_pci_address(parent);
    const char *last = strrchr(parent, '_');
    char *more = NULL;

    if (asprintf(&more, "%s%s{\"%s\": \"%s\", \"mdev_types\": \"%s\"}", *text ? *text : "",
                 *text ? ", " : "", is_pci ? "address" : "mdev_parent",
                 last && !is_pci ? last + 1 : parent, type) < 0)
        return vfa_fail_oom(err);
    free(*text);
    *text = more;
    return 0;
}

static int take_parent(struct mdevs *mdevs, const struct vfa_ini_entry *entry, const char *parent,
                       const char *type, struct vfa_error *err)
{
    const struct vfa_where where = {mdevs->path, entry->line};
    const char *other = vfa_tags_get(&mdevs->used, parent);

    if (!vfa_maker_pattern_ok(parent))
        return vfa_config_fail(&where, err, "cannot use device_addresses '%.40s': it is no address",
                               parent);
    if (other)
        return vfa_config_fail(
            &where, err, "cannot use device_addresses '%.40s': Nova has it for type '%s' already",
            parent, other);
    return vfa_tags_set(&mdevs->used, parent, type, err);
}

static int judge_addresses(struct mdevs *mdevs, const struct vfa_ini_entry *entry, const char *type,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *specs = NULL;
    VFA_AUTO(vfa_freep) char *reason = NULL;
    const char *list = entry->value;
    int r = 0;

    while (r == 0 && *list) {
        VFA_AUTO(vfa_freep) char *parent = NULL;

        r = take_item(&list, &parent, err);
        if (r == 0 && parent)
            r = take_parent(mdevs, entry, parent, type, err);
        if (r == 0 && parent)
            r = append_spec(&specs, parent, type, err);
    }
    if (r < 0)
        return r;
    if (asprintf(&reason, "vfalias does not read it: write device_spec = [%s]", specs) < 0) {
        reason = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_nova_note_option(mdevs->nova, entry, VFA_NOVA_DIFFERS, reason, err);
}

/* ---- max_instances and mdev_class ---- */

static int judge_max(struct mdevs *mdevs, const struct vfa_ini_entry *entry, struct vfa_error *err)
{
    const struct vfa_where where = {mdevs->path, entry->line};
    uint32_t max;

    if (vfa_parse_u32(entry->value, INT32_MAX, &max) < 0 || max == 0)
        return vfa_config_fail(&where, err,
                               "cannot use max_instances '%.40s': Nova wants a number from 1 on",
                               entry->value);
    return vfa_nova_note_option(
        mdevs->nova, entry, VFA_NOVA_DIFFERS,
        "vfalias does not read it: max_devices of a device_spec is the limit of each parent, not of all together",
        err);
}

static bool is_mdev_class(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", custom[] = "CUSTOM_";
    size_t len = strlen(text);

    if (strcmp(text, "VGPU") == 0)
        return true;
    return strncmp(text, custom, sizeof(custom) - 1) == 0 && len >= sizeof(custom) &&
           len <= CLASS_MAX && strspn(text, allowed) == len;
}

static int judge_class(struct mdevs *mdevs, const struct vfa_ini_entry *entry,
                       struct vfa_error *err)
{
    const struct vfa_where where = {mdevs->path, entry->line};

    if (!is_mdev_class(entry->value))
        return vfa_config_fail(&where, err,
                               "cannot use mdev_class '%.40s': Nova wants VGPU or CUSTOM_NAME",
                               entry->value);
    if (strcmp(entry->value, "VGPU") == 0)
        return vfa_nova_note_option(mdevs->nova, entry, VFA_NOVA_SAME, "it is the default", err);
    return vfa_nova_note_option(
        mdevs->nova, entry, VFA_NOVA_LOST,
        "mdev_class is for Placement, which is not there: an alias names the mdev_type", err);
}

/* ---- types ---- */

static int judge_type(struct mdevs *mdevs, const char *type, struct vfa_error *err)
{
    const struct vfa_ini_entry *addresses = option_of_type(mdevs, type, "device_addresses");
    const struct vfa_ini_entry *max = option_of_type(mdevs, type, "max_instances");
    const struct vfa_ini_entry *class = option_of_type(mdevs, type, "mdev_class");
    int r = 0;

    if (addresses && addresses->value[strspn(addresses->value, " \t\n,")])
        r = judge_addresses(mdevs, addresses, type, err);
    else if (!mdevs->default_type && !(mdevs->default_type = strdup(type)))
        r = vfa_fail_oom(err);
    if (r == 0 && max)
        r = judge_max(mdevs, max, err);
    return r < 0 || !class ? r : judge_class(mdevs, class, err);
}

static int judge_types(struct mdevs *mdevs, const struct vfa_ini_entry *entry,
                       struct vfa_error *err)
{
    const struct vfa_where where = {mdevs->path, entry->line};
    const char *list = entry->value;
    int r = 0;

    while (r == 0 && *list) {
        VFA_AUTO(vfa_freep) char *type = NULL;

        r = take_item(&list, &type, err);
        if (r < 0 || !type || vfa_tags_get(&mdevs->types, type))
            continue;
        if (!vfa_maker_pattern_ok(type))
            return vfa_config_fail(&where, err,
                                   "cannot use %s '%.40s': it is no type of mediated devices",
                                   entry->key, type);
        r = vfa_tags_set(&mdevs->types, type, "", err);
        if (r == 0)
            r = judge_type(mdevs, type, err);
    }
    return r;
}

static int judge_enabled(struct mdevs *mdevs, const struct vfa_ini_entry *entry,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *reason = NULL;
    const char *type = mdevs->default_type;
    int r;

    if (mdevs->types.n == 0)
        return vfa_nova_note_option(mdevs->nova, entry, VFA_NOVA_SAME, "it is empty", err);
    if (type)
        r = asprintf(
            &reason,
            "vfalias does not read it: write device_spec = {\"mdev_types\": \"%s\"} behind the others, and an alias for each mdev_type",
            type);
    else
        r = asprintf(&reason, "vfalias does not read it: write an alias for each mdev_type");
    if (r < 0) {
        reason = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_nova_note_option(mdevs->nova, entry, VFA_NOVA_DIFFERS, reason, err);
}

int vfa_nova_judge_mdevs(struct vfa_nova *nova, const char *path, const struct vfa_ini *ini,
                         struct vfa_error *err)
{
    VFA_AUTO(mdevs_clear) struct mdevs mdevs = {.nova = nova, .path = path, .ini = ini};
    const struct vfa_ini_entry *entry = vfa_nova_last_of(ini, "devices", "enabled_mdev_types");
    int r;

    if (!entry)
        entry = vfa_nova_last_of(ini, "devices", "enabled_vgpu_types");
    if (!entry)
        return 0;
    r = judge_types(&mdevs, entry, err);
    return r < 0 ? r : judge_enabled(&mdevs, entry, err);
}
