/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration: INI files with JSON values (as oslo.config reads nova.conf) in, plain structs
 * out. json-c's types stay inside. What is returned is immutable.
 *
 * Read are FILE and then the *.conf files of FILE's neighbour conf.d, in strcmp order. The keys of
 * section [pci] repeat; those of [vfalias] are set at most once per file, the last file wins. The
 * folder of cleaners, clean.d, is a neighbour of FILE, too; nothing is read there (cleaner.h).
 */
#ifndef VFA_CONFIG_CONFIG_H
#define VFA_CONFIG_CONFIG_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/inventory.h"
#include "spec/spec.h"

#define VFA_CONFIG_D "conf.d"
#define VFA_CLEAN_D  "clean.d"

#define VFA_CONFIG_DIGEST_SIZE 17 /* 64 bits in hexadecimal and the NUL */

/* How many VFs a PF is to have: sriov_numvfs. */
struct vfa_numvfs {
    char *devname;   /* of the PF's netdev; or NULL: */
    bool by_address; /* `addr` says which */
    struct vfa_pci_addr addr;
    uint32_t numvfs; /* 1 to 65535 */
    struct vfa_where where;
};

struct vfa_config {
    char **files; /* those that were read, in order; n_files of them */
    size_t n_files;
    char *clean_dir; /* the folder of cleaners: clean.d, the file's neighbour as conf.d is */

    struct vfa_spec *specs; /* in order: the first that matches counts */
    size_t n_specs;
    bool device_spec_given;    /* an empty list is a device_spec too: it allows nothing */
    struct vfa_alias *aliases; /* by first appearance */
    size_t n_aliases;
    struct vfa_numvfs *numvfs; /* in order; no card twice by the same name */
    size_t n_numvfs;

    /* [vfalias] */
    char *state_path;  /* state = /run/vfalias/state */
    char *sysfs_root;  /* sysfs_root = /sys */
    char *libvirt_run; /* libvirt_run = /run/libvirt/qemu: status files of running domains */
    char *libvirt_uri; /* libvirt_uri = qemu:///system */
    int log_level;     /* log_level = error|warning|info|debug, as syslog's LOG_* */
    unsigned incoming_timeout; /* incoming_timeout = 300, seconds */
    bool require_daemon;       /* require_daemon = yes */
    bool hold;                 /* hold = yes: of aliases that do not say it */
    unsigned hold_timeout;     /* hold_timeout = 30, seconds */
    unsigned hold_within;      /* hold_within = 2, seconds; from the power-on */
    unsigned clean_timeout;    /* clean_timeout = 600, seconds */

    char **warnings; /* likely mistakes, one line each with file and line; n_warnings of them */
    size_t n_warnings;

    char digest[VFA_CONFIG_DIGEST_SIZE]; /* of all that decides which devices an alias has */
    /* of each key of each file; comments do not count */
    char digest_of_all[VFA_CONFIG_DIGEST_SIZE];
};

/* Which file to read: `given` (--config) if not NULL, else $VFALIAS_CONFIG (secure_getenv), else
 * <sysconfdir>/vfalias/vfalias.conf. Borrowed. */
const char *vfa_config_path(const char *given);

/* True if a file of this name in the folder conf.d is read. */
bool vfa_config_is_conf(const char *name);

/* Reads and validates. A missing file is an error only if `path` was given by --config or the
 * environment; the default file may be absent. Errors name file and line: "FILE:LINE: REASON". */
int vfa_config_load(const char *given, struct vfa_config **ret, struct vfa_error *err);

/* Section [vfalias] of files that vfa_config_load() refuses, as far as it can be understood: what
 * is wrong counts as left out, as does what follows a line that cannot be read. No device_spec and
 * no alias is in it. */
int vfa_config_load_settings(const char *given, struct vfa_config **ret);

struct vfa_config *vfa_config_free(struct vfa_config *config);
VFA_DEFINE_AUTO(struct vfa_config, vfa_config_free);

/* Frees what the entry owns. */
void vfa_numvfs_clear(struct vfa_numvfs *entry);

/* The spec that allows the device: the first match, or NULL. */
const struct vfa_spec *vfa_config_spec_for(const struct vfa_config *config,
                                           const struct vfa_inventory *inv,
                                           const struct vfa_device *dev);

/* The spec of a number that the state file gives, or NULL: -1 is none, and a file may be of another
 * configuration, or broken. */
const struct vfa_spec *vfa_config_spec(const struct vfa_config *config, int number);

/* True if the device may be given out: some spec matches; without any device_spec, every VF. */
bool vfa_config_claimable(const struct vfa_config *config, const struct vfa_inventory *inv,
                          const struct vfa_device *dev);

/* True if some device_spec sets a tag with this key: aliases and requests may ask for it. */
bool vfa_config_sets_tag(const struct vfa_config *config, const char *key);

/* By its name or xml_name, or NULL. */
const struct vfa_alias *vfa_config_alias(const struct vfa_config *config, const char *name);

/* The names of all aliases, for a message: "a, b", each between two `quote`, which may be "". Empty
 * without any alias. free() it; NULL: out of memory. */
char *vfa_config_alias_names(const struct vfa_config *config, const char *quote);

#endif
