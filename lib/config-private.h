/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What config*.c share: text to entries (config-ini.c), entry values to JSON (config-json.c), JSON
 * to specs and aliases. json-c's types go no further than these files.
 */
#ifndef VFA_CONFIG_PRIVATE_H
#define VFA_CONFIG_PRIVATE_H

#include "config.h"

#include <json-c/json.h>

struct vfa_ini_entry {
    char *section; /* as written, but lower case unless it is DEFAULT */
    char *key;
    char *value; /* continuation lines are joined by newlines */
    unsigned line;
};

struct vfa_ini {
    struct vfa_ini_entry *entries;
    size_t n;
};

/* Reads text[0..len) as oslo.config does. `file` is for messages. Clear *ret with vfa_ini_clear(),
 * also on error: then it has what is in front of the mistake. */
int vfa_ini_parse(const char *file, const char *text, size_t len, struct vfa_ini *ret,
                  struct vfa_error *err);
void vfa_ini_clear(struct vfa_ini *ini);

/* The same of the file at `path`. -ENOENT etc.: it cannot be read, and *ret is not written. */
int vfa_config_read_ini(const char *path, const char *file, struct vfa_ini *ret,
                        struct vfa_error *err);

/* Strict JSON (RFC 8259). *ret is put with json_object_put(); NULL stands for JSON's null, which is
 * refused at the top by all users. Errors have file and line, that of the mistake. */
int vfa_json_parse(const char *text, const struct vfa_where *where, struct json_object **ret,
                   struct vfa_error *err);

/* The text of a value: strings as they are, else as in JSON. Borrowed; NULL: out of memory. */
const char *vfa_json_text(struct json_object *value);

static inline void vfa_json_putp(struct json_object **value)
{
    json_object_put(*value);
}

/* As vfa_fail(err, EINVAL, ...), with "FILE:LINE: " in front. */
int vfa_config_fail(const struct vfa_where *where, struct vfa_error *err, const char *fmt, ...)
    VFA_PRINTF(3, 4);

/* Puts "FILE:LINE: " in front of what *err says. Returns its negative code. */
int vfa_config_wrap(const struct vfa_where *where, struct vfa_error *err);

/* Adds a warning. 0 or -ENOMEM. */
int vfa_config_warn(struct vfa_config *config, const struct vfa_where *where, struct vfa_error *err,
                    const char *fmt, ...) VFA_PRINTF(4, 5);

/* True if the tag is a boolean; its value then is normalised by vfa_config_tag(). */
bool vfa_config_tag_is_bool(const char *key);

/* Sets a tag to the text of a value, booleans normalised. JSON's null sets nothing. */
int vfa_config_tag(struct vfa_tags *tags, const char *key, struct json_object *value,
                   const struct vfa_where *where, struct vfa_error *err);

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

struct vfa_config_word {
    const char *text;
    unsigned value;
};

/* Looks a text up in `n` words; the error lists them. */
int vfa_config_word(const struct vfa_where *where, const char *key, const char *text,
                    const struct vfa_config_word *words, size_t n, unsigned *ret,
                    struct vfa_error *err);

/* true, false, "yes" or "no". */
int vfa_config_bool(const struct vfa_where *where, const char *key, struct json_object *value,
                    bool *ret, struct vfa_error *err);

/* A whole number in min..max, as JSON number or as text of digits. */
int vfa_config_number(const struct vfa_where *where, const char *key, struct json_object *value,
                      uint32_t min, uint32_t max, uint32_t *ret, struct vfa_error *err);

/* The object behind the key settings. */
int vfa_config_vf_settings(const struct vfa_where *where, struct json_object *value,
                           struct vfa_vf_settings *ret, struct vfa_error *err);

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
void vfa_numvfs_clear(struct vfa_numvfs *entry);

/* Sets [vfalias] KEY. */
int vfa_config_set(struct vfa_config *config, const char *key, const char *value,
                   const struct vfa_where *where, struct vfa_error *err);
int vfa_config_set_defaults(struct vfa_config *config, struct vfa_error *err);

#endif
