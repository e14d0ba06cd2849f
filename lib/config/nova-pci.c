/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks device_spec and alias of a nova.conf. Values that Nova refuses but vfalias accepts are
 * errors: keys of aliases that only vfalias has, the older form of an alias, and values that depend
 * on Placement. Sources: nova/pci/devspec.py, nova/pci/request.py, nova/pci/stats.py.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/tags.h"
#include "base/text.h"
#include "spec/spec.h"
#include "json.h"
#include "nova-private.h"
#include "nova-report.h"
#include "private.h"
#include "report.h"

#include <errno.h>
#include <string.h>

#define NOT_PLACED " is for Placement, which is not there: a tag can tell devices apart"

/* Collects findings about one device_spec or alias. Without a finding it carries over. */
struct judge {
    struct vfa_nova *nova;
    unsigned line;
    char what[320]; /* truncated; the name of an alias has up to 256 characters */
    bool noted;
};

static int note_finding(struct judge *judge, enum vfa_nova_verdict verdict, const char *reason,
                        struct vfa_error *err)
{
    judge->noted = true;
    return vfa_nova_note(&judge->nova->report, judge->line, verdict, judge->what, reason, err);
}

static int finish_finding(struct judge *judge, struct vfa_error *err)
{
    return judge->noted ? 0 : note_finding(judge, VFA_NOVA_SAME, NULL, err);
}

/* ---- device_spec ---- */

/* Tags to which Nova gives a meaning. */
static const struct tag {
    const char *key;
    enum {
        WHEN_SET,
        WHEN_TRUE,
        WHEN_PLACED,
    } when;
    enum vfa_nova_verdict verdict;
    const char *reason;
} tags[] = {
    {"physical_network", WHEN_SET, VFA_NOVA_DIFFERS,
     "ports of Neutron get what has a physical_network; here an alias that asks for it does"},
    {"trusted", WHEN_TRUE, VFA_NOVA_DIFFERS,
     "trusted is only a tag: the VF is trusted if the settings of an alias or a request say trust"},
    {"remote_managed", WHEN_TRUE, VFA_NOVA_LOST,
     "remote_managed devices are for ports that Neutron programs on the card, and need a serial number in their VPD: there is neither here, only aliases that ask for the tag"},
    {"resource_class", WHEN_PLACED, VFA_NOVA_LOST, "resource_class" NOT_PLACED},
    {"traits", WHEN_PLACED, VFA_NOVA_LOST, "traits" NOT_PLACED},
};

static bool applies(const struct vfa_nova *nova, const struct tag *tag, const char *value)
{
    bool truth = false;

    switch (tag->when) {
    case WHEN_SET:
        return *value;
    case WHEN_TRUE:
        return vfa_parse_oslo_bool(value, &truth) == 0 && truth;
    case WHEN_PLACED:
        return nova->report_in_placement;
    }
    return false;
}

/* Judges keys that are not tags here. */
static int judge_owners(struct judge *judge, const struct vfa_spec *spec, struct vfa_error *err)
{
    int r = 0;

    if (spec->one_time_use)
        r = note_finding(
            judge, VFA_NOVA_DIFFERS,
            "one_time_use puts the device into quarantine, until 'vfalias quarantine remove' takes it out: Placement says nothing of it",
            err);
    if (r == 0 && spec->clean)
        r = note_finding(
            judge, VFA_NOVA_DIFFERS,
            "clean is a tag to Nova; here it names a program that is run between owners", err);
    if (r == 0 && (vfa_spec_names_makers(spec) || spec->max_devices))
        r = note_finding(
            judge, VFA_NOVA_DIFFERS,
            "mgmtdev, mdev_types, mdev_parent and max_devices are tags to Nova; here they say what makes devices",
            err);
    return r;
}

static int judge_spec(struct vfa_nova *nova, size_t i, struct vfa_error *err)
{
    const struct vfa_spec *spec = &nova->config->specs[i];
    struct judge judge = {.nova = nova, .line = spec->where.line};
    int r = 0;

    snprintf(judge.what, sizeof(judge.what), "device_spec %zu", i);
    for (size_t j = 0; r == 0 && j < ARRAY_SIZE(tags); j++) {
        const char *value = vfa_tags_get(&spec->tags, tags[j].key);

        if (value && applies(nova, &tags[j], value))
            r = note_finding(&judge, tags[j].verdict, tags[j].reason, err);
    }
    if (r == 0)
        r = judge_owners(&judge, spec, err);
    return r < 0 ? r : finish_finding(&judge, err);
}

static int check_spec(const struct vfa_nova *nova, const struct vfa_spec *spec,
                      struct vfa_error *err)
{
    if (spec->one_time_use && !nova->report_in_placement)
        return vfa_config_fail(&spec->where, err,
                               "cannot use one_time_use: Nova wants report_in_placement for it");
    return 0;
}

int vfa_nova_add_specs(struct vfa_nova *nova, const char *text, const struct vfa_where *where,
                       struct vfa_error *err)
{
    size_t first = nova->config->n_specs;
    int r = vfa_config_add_specs(nova->config, text, where, err);

    for (size_t i = first; r == 0 && i < nova->config->n_specs; i++) {
        r = check_spec(nova, &nova->config->specs[i], err);
        if (r == 0)
            r = judge_spec(nova, i, err);
    }
    if (r == 0 && nova->config->n_specs == first)
        r = vfa_nova_note(&nova->report, where->line, VFA_NOVA_SAME, "device_spec", "it is empty",
                          err);
    return r;
}

/* ---- alias ---- */

static bool is_nova_key(const char *key)
{
    static const char *const keys[] = {"name",           "capability_type", "product_id",
                                       "vendor_id",      "device_type",     "numa_policy",
                                       "resource_class", "traits",          "live_migratable"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static int check_keys(struct json_object *object, const struct vfa_where *where,
                      struct vfa_error *err)
{
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        if (!is_nova_key(key))
            return vfa_config_fail(
                where, err, "cannot use key '%.40s': Nova knows no such key of an alias", key);
    }
    return 0;
}

/* Nova excludes devices of these types from aliases (_ALIAS_SCHEMA in nova/pci/request.py). */
static int check_nova_type(const struct vfa_alias *alias, const struct vfa_where *where,
                           struct vfa_error *err)
{
    static const unsigned made =
        1u << VFA_TYPE_VDPA | 1u << VFA_TYPE_VDPA_BLOCK | 1u << VFA_TYPE_MDEV;

    if (!(alias->types & made))
        return 0;
    return vfa_config_fail(
        where, err, "cannot use device_type of alias '%.40s': Nova knows no such device_type",
        alias->name);
}

static bool has(struct json_object *object, const char *key)
{
    return json_object_object_get_ex(object, key, NULL);
}

static int add_id(struct json_object *object, const char *key, struct vfa_error *err)
{
    struct json_object *id = has(object, key) ? NULL : json_object_new_string("ffff");

    if (has(object, key))
        return 0;
    if (!id || json_object_object_add(object, key, id) != 0) {
        json_object_put(id);
        return vfa_fail_oom(err);
    }
    return 0;
}

/* Reads the alias as vfalias does. placed: Placement chooses devices by resource_class, so ids may
 * be missing; placeholder ids are added so that the other keys are checked. */
static int read_nova_alias(struct vfa_nova *nova, struct json_object *object, bool placed,
                           const struct vfa_where *where, struct vfa_error *err)
{
    const char *text;
    int r = check_keys(object, where, err);

    if (r == 0 && placed)
        r = add_id(object, "vendor_id", err);
    if (r == 0 && placed)
        r = add_id(object, "product_id", err);
    if (r < 0)
        return r;
    text = vfa_json_text(object);
    return text ? vfa_config_add_alias(nova->config, text, where, err) : vfa_fail_oom(err);
}

/* Checks an alias whose name an earlier alias has. */
static int check_again(const struct vfa_nova *nova, const struct vfa_alias *alias,
                       const struct vfa_where *where, struct vfa_error *err)
{
    if (nova->pci_in_placement)
        return vfa_config_fail(
            where, err,
            "cannot use alias '%.40s': Nova wants it once only, since pci_in_placement is on",
            alias->name);
    if (!alias->type_given)
        return vfa_config_fail(
            where, err,
            "cannot use alias '%.40s': Nova wants a device_type where it is there more than once",
            alias->name);
    return 0;
}

static int judge_name(struct judge *judge, const char *name, struct vfa_error *err)
{
    if (vfa_alias_name_ok(name))
        return 0;
    return note_finding(
        judge, VFA_NOVA_DIFFERS,
        "libvirt does not allow this name in XML: give the alias an xml_name, or each request a name",
        err);
}

static int judge_placement(struct judge *judge, struct json_object *object, bool placed,
                           struct vfa_error *err)
{
    int r = 0;

    if (!judge->nova->pci_in_placement)
        return 0; /* Nova ignores these keys too */
    if (placed)
        return note_finding(
            judge, VFA_NOVA_LOST,
            "Placement chooses by its resource_class; here it needs vendor_id and product_id, or a tag",
            err);
    if (has(object, "resource_class"))
        r = note_finding(judge, VFA_NOVA_LOST, "resource_class" NOT_PLACED, err);
    if (r == 0 && has(object, "traits"))
        r = note_finding(judge, VFA_NOVA_LOST, "traits" NOT_PLACED, err);
    return r;
}

static const struct vfa_alias *find_nova_alias(const struct vfa_nova *nova,
                                               struct json_object *object)
{
    const char *name = json_object_get_string(json_object_object_get(object, "name"));
    size_t len = vfa_text_strip(&name, strlen(name));

    for (size_t i = 0; i < nova->config->n_aliases; i++) {
        const struct vfa_alias *alias = &nova->config->aliases[i];

        if (strlen(alias->name) == len && memcmp(alias->name, name, len) == 0)
            return alias;
    }
    return NULL;
}

static int add_object(struct vfa_nova *nova, struct json_object *object,
                      const struct vfa_where *where, struct vfa_error *err)
{
    bool placed = nova->pci_in_placement && has(object, "resource_class") &&
                  !(has(object, "vendor_id") && has(object, "product_id"));
    struct judge judge = {.nova = nova, .line = where->line};
    const struct vfa_alias *alias;
    int r = read_nova_alias(nova, object, placed, where, err);

    if (r < 0)
        return r;
    alias = find_nova_alias(nova, object);
    r = check_nova_type(alias, where, err);
    if (r == 0 && alias->n_choices > 1)
        r = check_again(nova, alias, where, err);
    snprintf(judge.what, sizeof(judge.what), "alias '%s'", alias->name);
    if (r == 0)
        r = judge_name(&judge, alias->name, err);
    if (r == 0)
        r = judge_placement(&judge, object, placed, err);
    return r < 0 ? r : finish_finding(&judge, err);
}

int vfa_nova_add_alias(struct vfa_nova *nova, const char *text, const struct vfa_where *where,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_json_putp) struct json_object *object = NULL;
    int r = vfa_json_parse(text, where, &object, err);

    if (r < 0)
        return r;
    if (!json_object_is_type(object, json_type_object))
        return vfa_config_fail(where, err, "cannot use alias: an object is wanted");
    return add_object(nova, object, where, err);
}
