/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See nova.h. Reads the file and judges the options of other sections. Of an option that does not
 * repeat, the last value counts, as in oslo.config.
 *
 * Invariant: each option that is judged has a finding. All other options (most of a nova.conf) have
 * none.
 */

#include "nova.h"

#include "base/common.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/spec.h"
#include "config.h"
#include "ini.h"
#include "nova-private.h"
#include "nova-report.h"
#include "report.h"

#include <errno.h>
#include <string.h>

static void nova_clear(struct vfa_nova *nova)
{
    vfa_config_free(nova->config);
    vfa_nova_report_clear(&nova->report);
}

/* ---- boolean options ---- */

/* Like oslo.config's types.Boolean, which accepts fewer words than oslo.utils. */
static int parse_bool(const char *text, bool *ret)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"0", "1"}, {"off", "on"}, {"no", "yes"}};
    size_t len = vfa_text_strip(&text, strlen(text));

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (int j = 0; j < 2; j++) {
            if (vfa_text_is(text, len, words[i][j])) {
                *ret = j == 1;
                return 0;
            }
        }
    }
    return -EINVAL;
}

static int read_switch(struct vfa_nova *nova, const char *path, const struct vfa_ini *ini,
                       const char *section, const char *key, const char *lost, bool *ret,
                       struct vfa_error *err)
{
    const struct vfa_ini_entry *entry = vfa_nova_last_of(ini, section, key);
    struct vfa_where where = {path, entry ? entry->line : 0};

    *ret = false;
    if (!entry)
        return 0;
    if (parse_bool(entry->value, ret) < 0)
        return vfa_config_fail(&where, err, "cannot use %s '%.40s': it is neither true nor false",
                               key, entry->value);
    return vfa_nova_note_option(nova, entry, *ret ? VFA_NOVA_LOST : VFA_NOVA_SAME,
                                *ret ? lost : "it is off", err);
}

/* ---- other options about PCI devices ---- */

#define NO_SCHEDULER                                                                               \
    "no scheduler chooses a host: a domain gets what the host has on which it is started"

static const struct option {
    const char *section; /* a prefix if it ends with '_' */
    const char *key;
    const char *part; /* judged only if the value contains this; NULL: always */
    enum vfa_nova_verdict verdict;
    const char *reason;
} options[] = {
    {"filter_scheduler", "enabled_filters", "PciPassthroughFilter", VFA_NOVA_LOST, NO_SCHEDULER},
    {"filter_scheduler", "pci_weight_multiplier", NULL, VFA_NOVA_LOST, NO_SCHEDULER},
    {"libvirt", "num_pcie_ports", NULL, VFA_NOVA_DIFFERS,
     "a domain's definition gets as many ports as its requests need"},
    {"compute", "cpu_dedicated_set", NULL, VFA_NOVA_DIFFERS,
     "a numa_policy goes by the nodes and CPUs that a domain's own XML names"},
    {"compute", "cpu_shared_set", NULL, VFA_NOVA_DIFFERS,
     "a numa_policy goes by the nodes and CPUs that a domain's own XML names"},
    {"neutron_", "numa_nodes", NULL, VFA_NOVA_LOST,
     "a network has no NUMA nodes: those of the devices count"},
    {"pci", "pci_passthrough_whitelist", NULL, VFA_NOVA_DIFFERS,
     "Nova does not read it in this section, vfalias does"},
};

static bool is_option(const struct option *option, const struct vfa_ini_entry *entry)
{
    size_t len = strlen(option->section);
    bool prefix = option->section[len - 1] == '_';

    return (prefix ? strncmp(entry->section, option->section, len)
                   : strcmp(entry->section, option->section)) == 0 &&
           strcmp(entry->key, option->key) == 0;
}

static int judge_option(struct vfa_nova *nova, const struct vfa_ini *ini,
                        const struct vfa_ini_entry *entry, struct vfa_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option *option = &options[i];

        if (!is_option(option, entry) ||
            vfa_nova_last_of(ini, entry->section, entry->key) != entry ||
            (option->part && !strstr(entry->value, option->part)))
            continue;
        return vfa_nova_note_option(nova, entry, option->verdict, option->reason, err);
    }
    return 0;
}

static bool is_read_elsewhere(const char *key)
{
    static const char *const keys[] = {"device_spec", "passthrough_whitelist", "alias",
                                       "pci_passthrough_whitelist", "report_in_placement"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static int judge_options(struct vfa_nova *nova, const struct vfa_ini *ini, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ini->n; i++) {
        const struct vfa_ini_entry *entry = &ini->entries[i];

        r = judge_option(nova, ini, entry, err);
        if (r == 0 && strcmp(entry->section, "pci") == 0 && !is_read_elsewhere(entry->key))
            r = vfa_nova_note_option(nova, entry, VFA_NOVA_SAME,
                                     "both ignore it: it may be misspelt", err);
    }
    return r;
}

/* ---- device_spec and alias ---- */

struct key_name {
    const char *section, *key;
};
/* The oldest name first: Nova reads the values in this order. */
static const struct key_name spec_names[] = {{"DEFAULT", "pci_passthrough_whitelist"},
                                             {"pci", "passthrough_whitelist"},
                                             {"pci", "device_spec"}};
static const struct key_name alias_names[] = {{"DEFAULT", "pci_alias"}, {"pci", "alias"}};

static int judge_values(struct vfa_nova *nova, const char *path, const struct vfa_ini *ini,
                        const struct key_name *name,
                        int (*add)(struct vfa_nova *nova, const char *text,
                                   const struct vfa_where *where, struct vfa_error *err),
                        struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ini->n; i++) {
        const struct vfa_ini_entry *entry = &ini->entries[i];
        struct vfa_where where = {path, entry->line};

        if (strcmp(entry->section, name->section) == 0 && strcmp(entry->key, name->key) == 0)
            r = add(nova, entry->value, &where, err);
    }
    return r;
}

/* Judges a missing device_spec: then Nova allows no device, but vfalias every VF. */
static int judge_absence(struct vfa_nova *nova, struct vfa_error *err)
{
    if (nova->config->device_spec_given)
        return 0;
    return vfa_nova_note(
        &nova->report, nova->config->n_aliases ? nova->config->aliases[0].choices[0].where.line : 1,
        VFA_NOVA_DIFFERS, "device_spec",
        "there is none: Nova then gives out nothing, vfalias each SR-IOV VF: write device_spec = []",
        err);
}

static int judge_file(struct vfa_nova *nova, const char *path, const struct vfa_ini *ini,
                      struct vfa_error *err)
{
    int r = read_switch(nova, path, ini, "pci", "report_in_placement",
                        "there is no Placement: each host knows of its own devices alone",
                        &nova->report_in_placement, err);

    if (r == 0)
        r = read_switch(nova, path, ini, "filter_scheduler", "pci_in_placement", NO_SCHEDULER,
                        &nova->pci_in_placement, err);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(spec_names); i++)
        r = judge_values(nova, path, ini, &spec_names[i], vfa_nova_add_specs, err);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(alias_names); i++)
        r = judge_values(nova, path, ini, &alias_names[i], vfa_nova_add_alias, err);
    if (r == 0)
        r = judge_absence(nova, err);
    if (r == 0)
        r = vfa_nova_judge_mdevs(nova, path, ini, err);
    return r < 0 ? r : judge_options(nova, ini, err);
}

/* Sorts by line. The insertion sort keeps the order of findings about the same line. */
static void sort_findings(struct vfa_nova_report *report)
{
    for (size_t i = 1; i < report->n; i++) {
        struct vfa_nova_finding item = report->items[i];
        size_t j = i;

        for (; j > 0 && report->items[j - 1].line > item.line; j--)
            report->items[j] = report->items[j - 1];
        report->items[j] = item;
    }
}

int vfa_nova_check(const char *path, struct vfa_nova_report *ret, struct vfa_error *err)
{
    VFA_AUTO(nova_clear) struct vfa_nova nova = {.config = calloc(1, sizeof(*nova.config))};
    VFA_AUTO(vfa_ini_clear) struct vfa_ini ini = {NULL, 0};
    int r = nova.config ? vfa_config_read_ini(path, path, &ini, err) : vfa_fail_oom(err);

    if (r == 0)
        r = judge_file(&nova, path, &ini, err);
    if (r < 0)
        return r;
    sort_findings(&nova.report);
    *ret = nova.report;
    nova.report = (struct vfa_nova_report){NULL, 0}; /* handed over */
    return 0;
}
