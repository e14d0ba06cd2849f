/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers of the configuration, for the loader and for each other. A reader parses the value of
 * a key and adds specs, aliases or settings to the configuration. Only the readers use the types of
 * json-c.
 */
#ifndef VFA_CONFIG_PRIVATE_H
#define VFA_CONFIG_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"

#include <json-c/json.h>

enum {
    VFA_CONFIG_OTHER = 1,
};

/* Reads the value of one device_spec: an object or an array of objects. Adds to config->specs. */
int vfa_config_add_specs(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err);

/* Reads a key of a device_spec about what makes devices. VFA_CONFIG_OTHER: not such a key. */
int vfa_config_spec_maker_key(const char *key, struct json_object *value,
                              const struct vfa_where *where, struct vfa_spec *spec,
                              struct vfa_error *err);

/* Refuses keys of a spec that make no sense together, as far as these keys are concerned. */
int vfa_config_check_makers(const struct vfa_spec *spec, struct vfa_error *err);

/* Warns about likely mistakes in a spec. `value` is the JSON object of the spec. */
int vfa_config_check_spec(struct vfa_config *config, const struct vfa_spec *spec,
                          struct json_object *value, struct vfa_error *err);

/* An alias that is being read. */
struct vfa_alias_reader {
    struct vfa_config *config;
    const struct vfa_where *where;
    struct vfa_alias *alias;         /* has one choice */
    struct vfa_alias_choice *choice; /* the choice of `alias` */
    bool has_requirement;            /* another key than the ids selects devices */
};

/* Reads a key of an alias that this program adds to Nova's. VFA_CONFIG_OTHER: not such a key. */
int vfa_config_alias_own(struct vfa_alias_reader *reader, const char *key,
                         struct json_object *value, struct vfa_error *err);

/* The same for the keys of devices that are made, and of aliases without devices. */
int vfa_config_alias_made(struct vfa_alias_reader *reader, const char *key,
                          struct json_object *value, struct vfa_error *err);

/* A row of a table of such keys. */
struct vfa_alias_own_key {
    const char *name;
    int (*read)(struct vfa_alias_reader *reader, const char *key, struct json_object *value,
                struct vfa_error *err);
    enum vfa_alias_key key; /* VFA_ALIAS_KEYS: it has no place in vfa_alias.said */
};
int vfa_config_alias_read_own(struct vfa_alias_reader *reader, const char *key,
                              struct json_object *value, const struct vfa_alias_own_key *keys,
                              size_t n, struct vfa_error *err);

/* Checks that the keys of the alias fit its device_type, or that it has no devices (any_of,
 * bridge). Sets `attach`, if it is not given, and `types`. `object` is the alias. */
int vfa_config_alias_check_kind(struct vfa_alias_reader *reader, struct json_object *object,
                                struct vfa_error *err);

/* Adds an alias to the configuration, or merges it into the alias with the same name. *alias is
 * empty then. */
int vfa_config_keep_alias(struct vfa_config *config, struct vfa_alias *alias,
                          struct vfa_error *err);

/* Adds the warnings that need all aliases. */
int vfa_config_check_aliases(struct vfa_config *config, struct vfa_error *err);

/* Checks any_of: the other aliases must exist, and must not have any_of. Adds warnings. */
int vfa_config_check_chains(struct vfa_config *config, struct vfa_error *err);

/* Reads the value of one alias. Adds to config->aliases. All specs must have been read. */
int vfa_config_add_alias(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err);

/* The older form of an alias, NAME=capabilities:devices: (...). is_epa() recognises it. */
bool vfa_config_alias_is_epa(const char *text);
int vfa_config_read_epa(const char *text, const struct vfa_where *where, struct vfa_alias *ret,
                        struct vfa_error *err);

/* Reads the value of one sriov_numvfs: an object or an array of objects. Adds to config->numvfs. */
int vfa_config_add_numvfs(struct vfa_config *config, const char *text,
                          const struct vfa_where *where, struct vfa_error *err);

/* Sets [vfalias] KEY. */
int vfa_config_set(struct vfa_config *config, const char *key, const char *value,
                   const struct vfa_where *where, struct vfa_error *err);
int vfa_config_set_defaults(struct vfa_config *config, struct vfa_error *err);

#endif
