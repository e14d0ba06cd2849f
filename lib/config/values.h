/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers of values for several keys: texts, words, booleans, numbers, tags, VF settings. `key` and
 * `where` are for error messages.
 */
#ifndef VFA_CONFIG_VALUES_H
#define VFA_CONFIG_VALUES_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"

#include <json-c/json.h>

struct vfa_config_word {
    const char *text;
    unsigned value;
};

/* A string. *ret is borrowed. */
int vfa_config_text(const struct vfa_where *where, const char *key, struct json_object *value,
                    const char **ret, struct vfa_error *err);

/* Finds a text in `n` words. The error lists the words. */
int vfa_config_word(const struct vfa_where *where, const char *key, const char *text,
                    const struct vfa_config_word *words, size_t n, unsigned *ret,
                    struct vfa_error *err);

/* true, false, "yes" or "no". */
int vfa_config_bool(const struct vfa_where *where, const char *key, struct json_object *value,
                    bool *ret, struct vfa_error *err);

/* A whole number in min..max, as JSON number or as string of digits. */
int vfa_config_number(const struct vfa_where *where, const char *key, struct json_object *value,
                      uint32_t min, uint32_t max, uint32_t *ret, struct vfa_error *err);

/* A boolean of oslo.utils (strutils.bool_from_string, strict): any value whose text is one of its
 * words. */
int vfa_config_oslo_bool(const struct vfa_where *where, const char *key, struct json_object *value,
                         bool *ret, struct vfa_error *err);

/* Whether the tag is a boolean; vfa_config_tag() normalises its value. */
bool vfa_config_tag_is_bool(const char *key);

/* Sets a tag to the text of a value, with booleans normalised. JSON's null is ignored. */
int vfa_config_tag(struct vfa_tags *tags, const char *key, struct json_object *value,
                   const struct vfa_where *where, struct vfa_error *err);

/* The object of the key "settings". */
int vfa_config_vf_settings(const struct vfa_where *where, struct json_object *value,
                           struct vfa_vf_settings *ret, struct vfa_error *err);

#endif
