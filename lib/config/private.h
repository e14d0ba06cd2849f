/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers of the configuration, for its loader and for each other: the value of a key in,
 * specs, aliases and settings added to the configuration. json-c's types go no further than these
 * readers.
 */
#ifndef VFA_CONFIG_PRIVATE_H
#define VFA_CONFIG_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"

#include <json-c/json.h>

/* The value of one device_spec: an object or an array of them. Adds to config->specs. */
int vfa_config_add_specs(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err);

/* Warns about what a spec probably does not mean. `value` is the object it was read from. */
int vfa_config_check_spec(struct vfa_config *config, const struct vfa_spec *spec,
                          struct json_object *value, struct vfa_error *err);

/* An alias that is being read. */
struct vfa_alias_reader {
    struct vfa_config *config;
    const struct vfa_where *where;
    struct vfa_alias *alias;         /* with one choice */
    struct vfa_alias_choice *choice; /* that one */
    bool has_requirement;            /* something besides the ids says which devices are meant */
};

/* Reads a key of an alias that this program adds to Nova's. VFA_CONFIG_OTHER: it is none. */
enum {
    VFA_CONFIG_OTHER = 1,
};
int vfa_config_alias_own(struct vfa_alias_reader *reader, const char *key,
                         struct json_object *value, struct vfa_error *err);

/* Puts an alias into the configuration, ORed with those of its name; leaves *alias empty. */
int vfa_config_keep_alias(struct vfa_config *config, struct vfa_alias *alias,
                          struct vfa_error *err);

/* Warns about what shows only when all aliases are there. */
int vfa_config_check_aliases(struct vfa_config *config, struct vfa_error *err);

/* The value of one alias. Adds to config->aliases; all specs are there already. */
int vfa_config_add_alias(struct vfa_config *config, const char *text, const struct vfa_where *where,
                         struct vfa_error *err);

/* The same for the older form NAME=capabilities:devices: (...). is_epa tells the forms apart. */
bool vfa_config_alias_is_epa(const char *text);
int vfa_config_read_epa(const char *text, const struct vfa_where *where, struct vfa_alias *ret,
                        struct vfa_error *err);

/* The value of one sriov_numvfs: an object or an array of them. Adds to config->numvfs. */
int vfa_config_add_numvfs(struct vfa_config *config, const char *text,
                          const struct vfa_where *where, struct vfa_error *err);

/* Sets [vfalias] KEY. */
int vfa_config_set(struct vfa_config *config, const char *key, const char *value,
                   const struct vfa_where *where, struct vfa_error *err);
int vfa_config_set_defaults(struct vfa_config *config, struct vfa_error *err);

#endif
