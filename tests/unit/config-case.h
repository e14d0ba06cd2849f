/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the tests of the configuration: a folder with a file x.conf and a folder conf.d, and
 * cases. A case is a text and either a dump of the result or, after "!", a part of the error.
 */
#ifndef VFA_CONFIG_CASE_H
#define VFA_CONFIG_CASE_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "config/config.h"
#include "check.h"

#include <errno.h>
#include <sys/stat.h>

/* Two keys of an alias, and a file with one device_spec or alias. */
#define IDS         "\"vendor_id\": \"8086\", \"product_id\": \"0443\""
#define SPEC(json)  "[pci]\ndevice_spec = " json "\n"
#define ALIAS(json) "[pci]\nalias = " json "\n"

static char folder[] = "/tmp/vfalias-test-XXXXXX";
static char path[64], conf_d[64];

static inline void write_file(const char *name, const char *text)
{
    VFA_AUTO(vfa_fclosep) FILE *file = fopen(name, "w");

    if (!file || fputs(text, file) < 0) {
        perror(name);
        exit(1);
    }
}

/* ---- dumps ---- */

static inline void dump_tags(FILE *out, const struct vfa_tags *tags)
{
    for (size_t i = 0; i < tags->n; i++)
        fprintf(out, " %s=%s", tags->items[i].key, tags->items[i].value);
}

static inline void dump_id(FILE *out, int id)
{
    if (id == VFA_ID_ANY)
        fputs("*", out);
    else if (id == VFA_ID_NONE)
        fputs("none", out);
    else
        fprintf(out, "%04x", (unsigned)id);
}

static inline void dump_spec(FILE *out, const struct vfa_spec *spec)
{
    fprintf(out, "%u ", spec->where.line);
    dump_id(out, spec->vendor);
    fputs(":", out);
    dump_id(out, spec->product);
    if (spec->address)
        fputs(" @", out);
    if (spec->devname)
        fprintf(out, " [%s]", spec->devname);
    if (spec->mgmtdev)
        fprintf(out, " mgmtdev %s", spec->mgmtdev);
    for (size_t i = 0; i < spec->n_mdev_types; i++)
        fprintf(out, " type %s", spec->mdev_types[i]);
    if (spec->mdev_parent)
        fprintf(out, " parent %s", spec->mdev_parent);
    if (spec->max_devices)
        fprintf(out, " max %u", spec->max_devices);
    if (spec->clean)
        fprintf(out, " clean %s", spec->clean);
    if (spec->one_time_use)
        fputs(" once", out);
    dump_tags(out, &spec->tags);
    fputs("\n", out);
}

static inline void dump_choice(FILE *out, const struct vfa_alias_choice *choice)
{
    fprintf(out, "  %u ", choice->where.line);
    dump_id(out, choice->vendor);
    fputs(":", out);
    dump_id(out, choice->product);
    if (choice->class >= 0)
        fprintf(out, " class %llx>>%u", (unsigned long long)choice->class, choice->class_shift);
    if (choice->driver)
        fprintf(out, " driver %s", choice->driver);
    if (choice->mdev_type)
        fprintf(out, " mdev %s", choice->mdev_type);
    dump_tags(out, &choice->tags);
    fputs("\n", out);
}

/* Dumps the keys for devices that are made or prepared, and for aliases without devices. */
static inline void dump_made(FILE *out, const struct vfa_alias *alias)
{
    if (alias->said[VFA_ALIAS_MANAGED].file)
        fprintf(out, " managed %d", alias->managed);
    for (size_t i = 0; i < alias->n_sysfs; i++)
        fprintf(out, " sysfs %s=%s", alias->sysfs[i].name, alias->sysfs[i].value);
    if (alias->said[VFA_ALIAS_EXISTING].file)
        fprintf(out, " existing %d", alias->existing);
    if (alias->vdpa.max_vqp)
        fprintf(out, " max_vqp %u", alias->vdpa.max_vqp);
    if (alias->vdpa.mtu)
        fprintf(out, " mtu %u", alias->vdpa.mtu);
    if (alias->bridge)
        fprintf(out, " bridge %s", alias->bridge);
    for (size_t i = 0; i < alias->n_any_of; i++)
        fprintf(out, "%s %s", i ? "" : " any_of", alias->any_of[i]);
}

/* Dumps the keys that this program adds to Nova's. Leaves out default values. */
static inline void dump_own(FILE *out, const struct vfa_alias *alias)
{
    static const char *const orders[] = {"address", "spread", "pack"};

    if (alias->attach != VFA_ATTACH_HOSTDEV)
        fprintf(out, " %s", vfa_attach_facts(alias->attach)->name);
    if (alias->on_attach_failure == VFA_ATTACH_FAILURE_DESTROY)
        fputs(" destroy", out);
    if (alias->said[VFA_ALIAS_ORDER].file)
        fprintf(out, " %s", orders[alias->order]);
    for (size_t i = 0; i < alias->n_permit; i++)
        fprintf(out, " <%s>", alias->permit[i]);
    if (alias->max_per_domain)
        fprintf(out, " max %u", alias->max_per_domain);
    if (alias->xml_name)
        fprintf(out, " = %s", alias->xml_name);
    if (alias->said[VFA_ALIAS_HOLD].file)
        fprintf(out, " hold %d", alias->hold);
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (alias->settings.given & 1u << i)
            fprintf(out, " %u:%u", i, (unsigned)alias->settings.values[i]);
    }
    if (alias->settings_policy == VFA_SETTINGS_BEST_EFFORT)
        fputs(" best effort", out);
    dump_made(out, alias);
}

static inline void dump_alias(FILE *out, const struct vfa_alias *alias)
{
    fprintf(out, "%s types %x numa %s", alias->name, alias->types,
            vfa_numa_policy_name(alias->numa));
    dump_own(out, alias);
    fputs("\n", out);
    for (size_t i = 0; i < alias->n_choices; i++)
        dump_choice(out, &alias->choices[i]);
}

static inline void dump_numvfs(FILE *out, const struct vfa_numvfs *entry)
{
    char address[VFA_PCI_ADDR_SIZE];

    fprintf(out, "%u %s: %u VFs\n", entry->where.line,
            entry->by_address ? vfa_pci_addr_format(&entry->addr, address) : entry->devname,
            (unsigned)entry->numvfs);
}

/* free() it. */
static inline char *dump(const struct vfa_config *config)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        exit(1);
    for (size_t i = 0; i < config->n_specs; i++)
        dump_spec(out, &config->specs[i]);
    for (size_t i = 0; i < config->n_aliases; i++)
        dump_alias(out, &config->aliases[i]);
    for (size_t i = 0; i < config->n_numvfs; i++)
        dump_numvfs(out, &config->numvfs[i]);
    fclose(out);
    return text;
}

struct text_case {
    const char *text, *result;
};

static inline void check_case(const struct text_case *c, const char *what, size_t i)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *got = NULL;
    int r;

    write_file(path, c->text);
    r = vfa_config_load(path, &config, &err);
    if (*c->result == '!') {
        CHECK(r == -EINVAL && check_has(&err, c->result + 1), "%s %zu: %s", what, i,
              r < 0 ? vfa_error_text(&err) : "no error");
        CHECK(r == 0 || strncmp(vfa_error_text(&err), path, strlen(path)) == 0, "%s %zu: %s", what,
              i, vfa_error_text(&err));
        CHECK(config == NULL, "%s %zu", what, i);
        return;
    }
    CHECK(r == 0, "%s %zu: %s", what, i, r < 0 ? vfa_error_text(&err) : "");
    if (r < 0)
        return;
    got = dump(config);
    CHECK(strcmp(got, c->result) == 0, "%s %zu: %s", what, i, got);
}

struct warning_case {
    const char *text, *warning; /* NULL: no warning */
};

static inline void check_warning(const struct warning_case *c, size_t i)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    bool found = false;

    write_file(path, c->text);
    CHECK(vfa_config_load(path, &config, NULL) == 0, "warning %zu", i);
    if (!config)
        return;
    for (size_t j = 0; j < config->n_warnings; j++) {
        found = found || (c->warning && strstr(config->warnings[j], c->warning));
        CHECK(strncmp(config->warnings[j], path, strlen(path)) == 0, "%s", config->warnings[j]);
    }
    CHECK(found == (c->warning != NULL) && (c->warning || config->n_warnings == 0),
          "warning %zu: %s", i, config->n_warnings ? config->warnings[0] : "none");
}

#define RUN(cases)                                                                                 \
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)                                                 \
    check_case(&(cases)[i], #cases, i)

/* Make the folder, without conf.d, and remove it. */
static inline void make_folder(void)
{
    if (!mkdtemp(folder))
        exit(1);
    snprintf(path, sizeof(path), "%s/x.conf", folder);
    snprintf(conf_d, sizeof(conf_d), "%s/conf.d", folder);
}

static inline void remove_folder(void)
{
    unlink(path);
    rmdir(conf_d);
    rmdir(folder);
}

#endif
