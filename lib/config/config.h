/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration: reads INI files with JSON values, as oslo.config reads nova.conf, into plain
 * structs. A loaded configuration is immutable.
 *
 * The loader reads FILE, then the *.conf files of the folder conf.d next to FILE, in strcmp order.
 * Keys of section [pci] may be repeated. A key of [vfalias] may be set once per file; the last file
 * wins. The folder clean.d for cleaners is next to FILE too; the loader reads nothing there
 * (cleaner.h).
 */
#ifndef VFA_CONFIG_CONFIG_H
#define VFA_CONFIG_CONFIG_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/spec.h"

#define VFA_CONFIG_D "conf.d"
#define VFA_CLEAN_D  "clean.d"

#define VFA_CONFIG_DIGEST_SIZE 17 /* 64 bits in hexadecimal and the NUL */

/* The number of VFs that a PF shall have: an entry of sriov_numvfs. */
struct vfa_numvfs {
    char *devname;   /* of the PF's netdev; NULL: see by_address */
    bool by_address; /* `addr` names the PF */
    struct vfa_pci_addr addr;
    uint32_t numvfs; /* 1 to 65535 */
    struct vfa_where where;
};

struct vfa_config {
    char **files; /* files that were read, in this order */
    size_t n_files;
    char *clean_dir; /* the folder of cleaners, clean.d */

    struct vfa_spec *specs; /* in order: the first match decides */
    size_t n_specs;
    bool device_spec_given;    /* true also for an empty list, which allows no device */
    struct vfa_alias *aliases; /* in order of first appearance */
    size_t n_aliases;
    struct vfa_numvfs *numvfs; /* in order; no PF twice by the same name */
    size_t n_numvfs;

    /* [vfalias] */
    char *state_path;  /* state = /run/vfalias/state */
    char *sysfs_root;  /* sysfs_root = /sys */
    char *libvirt_run; /* libvirt_run = /run/libvirt/qemu: status files of running domains */
    char *libvirt_uri; /* libvirt_uri = qemu:///system */
    int log_level;     /* log_level = error|warning|info|debug, as syslog's LOG_* */
    unsigned incoming_timeout; /* incoming_timeout = 300, seconds */
    bool require_daemon;       /* require_daemon = yes */
    bool hold;                 /* hold = yes: default for aliases */
    unsigned hold_timeout;     /* hold_timeout = 30, seconds */
    unsigned hold_within;      /* hold_within = 2, seconds; from the power-on */
    unsigned clean_timeout;    /* clean_timeout = 600, seconds */

    char **warnings; /* likely mistakes, one line each: "FILE:LINE: TEXT" */
    size_t n_warnings;

    char digest[VFA_CONFIG_DIGEST_SIZE]; /* of everything that decides which devices an alias has */
    char digest_of_all[VFA_CONFIG_DIGEST_SIZE]; /* of all keys of all files, without comments */
};

/* Returns the file to read: `given` (--config) if not NULL, else $VFALIAS_CONFIG (secure_getenv),
 * else <sysconfdir>/vfalias/vfalias.conf. Borrowed. */
const char *vfa_config_path(const char *given);

/* Whether the loader reads a file of this name in the folder conf.d. */
bool vfa_config_is_conf(const char *name);

/* Reads and checks the configuration. The default file may be missing; a file of --config or of the
 * environment must exist. Errors name file and line: "FILE:LINE: REASON". */
int vfa_config_load(const char *given, struct vfa_config **ret, struct vfa_error *err);

/* Reads section [vfalias] of files that vfa_config_load() refuses. Ignores invalid keys, and
 * everything after a line that cannot be parsed. The result has no device_spec and no alias. */
int vfa_config_load_settings(const char *given, struct vfa_config **ret);

struct vfa_config *vfa_config_free(struct vfa_config *config);
VFA_DEFINE_AUTO(struct vfa_config, vfa_config_free);

/* Frees what the entry owns. */
void vfa_numvfs_clear(struct vfa_numvfs *entry);

/* Finds the spec that allows the device: the first match, or NULL. */
const struct vfa_spec *vfa_config_spec_for(const struct vfa_config *config,
                                           const struct vfa_inventory *inv,
                                           const struct vfa_device *dev);

/* Finds the spec of a number from the state file, or NULL: -1 means no spec, and the number may
 * come from another configuration or a damaged file. */
const struct vfa_spec *vfa_config_spec(const struct vfa_config *config, int number);

/* Whether the device may be given to a guest: a spec matches it, or, without any device_spec, it is
 * a VF. */
bool vfa_config_claimable(const struct vfa_config *config, const struct vfa_inventory *inv,
                          const struct vfa_device *dev);

/* Whether a device_spec sets a tag with this key, so that aliases and requests may require it. */
bool vfa_config_sets_tag(const struct vfa_config *config, const char *key);

/* Finds an alias by name or xml_name, or NULL. */
const struct vfa_alias *vfa_config_alias(const struct vfa_config *config, const char *name);

/* Returns the i-th alias of a chain; i is below chain->n_any_of. Never NULL: the loader has checked
 * the names. */
const struct vfa_alias *vfa_config_chained(const struct vfa_config *config,
                                           const struct vfa_alias *chain, size_t i);

/* Returns the names of all aliases for a message: "a, b", each enclosed in `quote`, which may be
 * "". "" if no alias is configured. free() it; NULL: out of memory. */
char *vfa_config_alias_names(const struct vfa_config *config, const char *quote);

#endif
