/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads the configuration: finds the files, puts their entries in order, and computes the digests.
 *
 * The order is that of oslo.config for a repeated option: file by file, and in each file the values
 * of the oldest name of the key first. Aliases are read after all specs, because the tags of specs
 * are keys of aliases.
 *
 * Invariants: the file names that struct vfa_where borrows live as long as the configuration. A
 * configuration that is returned has passed all checks.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"
#include "ini.h"
#include "private.h"
#include "report.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_VARIABLE "VFALIAS_CONFIG"
#define SUFFIX        ".conf"

static const char default_path[] = SYSCONFDIR "/vfalias/vfalias.conf";

struct source {
    const char *file; /* borrowed from the configuration */
    struct vfa_ini ini;
};

struct sources {
    struct source *items;
    size_t n;
    bool partly; /* ignore invalid entries (vfa_config_load_settings()) */
};

/* Names of a key, the oldest first. */
struct key_name {
    const char *section, *key;
};
static const struct key_name spec_names[] = {
    {"DEFAULT", "pci_passthrough_whitelist"},
    {"pci", "pci_passthrough_whitelist"},
    {"pci", "passthrough_whitelist"},
    {"pci", "device_spec"},
};
static const struct key_name alias_names[] = {
    {"DEFAULT", "pci_alias"},
    {"pci", "alias"},
};
static const struct key_name numvfs_names[] = {{"pci", "sriov_numvfs"}};

static void config_sources_clear(struct sources *sources)
{
    for (size_t i = 0; i < sources->n; i++)
        vfa_ini_clear(&sources->items[i].ini);
    free(sources->items);
}

const char *vfa_config_path(const char *given)
{
    const char *path = given ? given : secure_getenv(PATH_VARIABLE);

    return path && *path ? path : default_path;
}

/* Adds a file to config->files and sources. A missing file is the error -ENOENT. */
static int add_file(struct vfa_config *config, struct sources *sources, const char *path,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *name = strdup(path);
    VFA_AUTO(vfa_ini_clear) struct vfa_ini ini = {NULL, 0};
    struct source *source;
    char **slot;
    int r = name ? vfa_config_read_ini(path, name, &ini, err) : vfa_fail_oom(err);

    if (r < 0 && (!sources->partly || r == -ENOMEM))
        return r;
    slot = vfa_array_grow(&config->files, config->n_files);
    source = vfa_array_grow(&sources->items, sources->n);
    if (!slot || !source)
        return vfa_fail_oom(err);
    *slot = vfa_steal(&name);
    config->n_files++;
    *source = (struct source){*slot, ini};
    ini = (struct vfa_ini){NULL, 0}; /* handed over */
    sources->n++;
    return 0;
}

bool vfa_config_is_conf(const char *name)
{
    size_t len = strlen(name), suffix = strlen(SUFFIX);

    return name[0] != '.' && len > suffix && strcmp(name + len - suffix, SUFFIX) == 0;
}

static int is_conf(const struct dirent *entry)
{
    return vfa_config_is_conf(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entry(struct vfa_config *config, struct sources *sources, const char *dir,
                     const char *name, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *path = NULL;
    struct stat st;

    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return vfa_fail_oom(err);
    }
    /* open() of a pipe would block the hook until a program writes to the pipe. */
    if (stat(path, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        return add_file(config, sources, path, err);
    if (sources->partly)
        return 0;
    return vfa_fail(err, EINVAL, "cannot read '%s': it is a pipe or a socket", path);
}

/* Returns the path of the file `name` in the folder of `path`. NULL: out of memory. */
static char *neighbour(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    char *text = NULL;

    if (asprintf(&text, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, name) < 0)
        return NULL;
    return text;
}

/* Adds the *.conf files of the folder conf.d next to `path`. The folder may be missing. */
static int add_conf_d(struct vfa_config *config, struct sources *sources, const char *path,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *dir = neighbour(path, VFA_CONFIG_D);
    struct dirent **entries;
    int n, r = 0;

    if (!dir)
        return vfa_fail_oom(err);
    n = scandir(dir, &entries, is_conf, by_name);
    if (n < 0 && errno == ENOMEM)
        return vfa_fail_oom(err);
    if (n < 0 && errno != ENOENT && errno != ENOTDIR)
        return vfa_fail(err, errno, "cannot read '%s': %s", dir, strerror(errno));
    if (n < 0)
        return 0;
    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_entry(config, sources, dir, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int add_files(struct vfa_config *config, struct sources *sources, const char *given,
                     struct vfa_error *err)
{
    const char *path = vfa_config_path(given);
    struct vfa_error absent = VFA_ERROR_INIT;
    int r;

    config->clean_dir = neighbour(path, VFA_CLEAN_D);
    if (!config->clean_dir)
        return vfa_fail_oom(err);
    r = add_file(config, sources, path, &absent);

    if (r == -ENOENT && path == default_path)
        r = 0;
    if (r == 0)
        vfa_error_clear(&absent);
    if (r == 0)
        return add_conf_d(config, sources, path, err);
    if (err)
        *err = absent;
    else
        vfa_error_clear(&absent);
    return r;
}

typedef int (*add_value)(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err);

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* 64-bit FNV-1a over the text and its NUL. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    } while (*text++);
    return hash;
}

/* Calls add() for each value of a key, under all its names, in the order described above. */
static int add_values(struct vfa_config *config, const struct sources *sources,
                      const struct key_name *names, size_t n, add_value add, uint64_t *hash,
                      struct vfa_error *err)
{
    for (size_t i = 0; i < sources->n * n; i++) {
        const struct source *source = &sources->items[i / n];
        const struct key_name *name = &names[i % n];

        for (size_t j = 0; j < source->ini.n; j++) {
            const struct vfa_ini_entry *entry = &source->ini.entries[j];
            struct vfa_where where = {source->file, entry->line};
            int r;

            if (strcmp(entry->section, name->section) != 0 || strcmp(entry->key, name->key) != 0)
                continue;
            *hash = hash_text(hash_text(*hash, names[n - 1].key), entry->value);
            r = add(config, entry->value, &where, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Whether an earlier entry of the file sets the same key. */
static bool set_before(const struct vfa_ini *ini, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (strcmp(ini->entries[j].section, ini->entries[i].section) == 0 &&
            strcmp(ini->entries[j].key, ini->entries[i].key) == 0)
            return true;
    }
    return false;
}

/* Whether this program knows the key of [pci], or Nova has it. Another key is probably misspelt. */
static bool is_pci_key(const char *key)
{
    static const char *const keys[] = {
        "device_spec", "passthrough_whitelist", "pci_passthrough_whitelist",
        "alias",       "report_in_placement",   "sriov_numvfs"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static int read_vfalias_section(struct vfa_config *config, const struct source *source, bool partly,
                                struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < source->ini.n; i++) {
        const struct vfa_ini_entry *entry = &source->ini.entries[i];
        struct vfa_where where = {source->file, entry->line};

        if (strcmp(entry->section, "pci") == 0 && !is_pci_key(entry->key))
            r = vfa_config_warn(config, &where, err, "key '%s' in section [pci] is ignored",
                                entry->key);
        if (strcmp(entry->section, "vfalias") != 0)
            continue;
        if (!partly && set_before(&source->ini, i))
            return vfa_config_fail(&where, err, "'%s' is set twice in this file", entry->key);
        r = vfa_config_set(config, entry->key, entry->value, &where, err);
        if (partly && r != -ENOMEM)
            r = 0;
    }
    return r;
}

static void format_digest(uint64_t hash, char ret[VFA_CONFIG_DIGEST_SIZE])
{
    snprintf(ret, VFA_CONFIG_DIGEST_SIZE, "%016llx", (unsigned long long)hash);
}

static void digest_all(struct vfa_config *config, const struct sources *sources)
{
    uint64_t hash = HASH_START;

    for (size_t i = 0; i < sources->n; i++) {
        const struct source *source = &sources->items[i];

        hash = hash_text(hash, source->file);
        for (size_t j = 0; j < source->ini.n; j++) {
            const struct vfa_ini_entry *entry = &source->ini.entries[j];

            hash = hash_text(hash_text(hash_text(hash, entry->section), entry->key), entry->value);
        }
    }
    format_digest(hash, config->digest_of_all);
}

static int build_config(struct vfa_config *config, const struct sources *sources,
                        struct vfa_error *err)
{
    uint64_t hash = HASH_START, unused = 0;
    int r = vfa_config_set_defaults(config, err);

    for (size_t i = 0; r == 0 && i < sources->n; i++)
        r = read_vfalias_section(config, &sources->items[i], sources->partly, err);
    if (sources->partly)
        return r;
    if (r == 0)
        r = add_values(config, sources, spec_names, ARRAY_SIZE(spec_names), vfa_config_add_specs,
                       &hash, err);
    if (r == 0)
        r = add_values(config, sources, alias_names, ARRAY_SIZE(alias_names), vfa_config_add_alias,
                       &hash, err);
    if (r == 0) /* sriov_numvfs does not affect which devices an alias has */
        r = add_values(config, sources, numvfs_names, ARRAY_SIZE(numvfs_names),
                       vfa_config_add_numvfs, &unused, err);
    if (r == 0)
        r = vfa_config_check_chains(config, err);
    if (r == 0)
        r = vfa_config_check_aliases(config, err);
    if (r < 0)
        return r;
    hash = hash_text(hash, config->sysfs_root);
    format_digest(hash, config->digest);
    digest_all(config, sources);
    return 0;
}

static int load_files(const char *given, bool partly, struct vfa_config **ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = calloc(1, sizeof(*config));
    VFA_AUTO(config_sources_clear) struct sources sources = {.partly = partly};
    int r = config ? add_files(config, &sources, given, err) : vfa_fail_oom(err);

    if (r == 0)
        r = build_config(config, &sources, err);
    if (r == 0)
        *ret = vfa_steal(&config);
    return r;
}

int vfa_config_load(const char *given, struct vfa_config **ret, struct vfa_error *err)
{
    return load_files(given, false, ret, err);
}

int vfa_config_load_settings(const char *given, struct vfa_config **ret)
{
    return load_files(given, true, ret, NULL);
}
