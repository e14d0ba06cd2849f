/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses JSON text into json-c objects, strictly, as Python's json reads it for Nova. Only the
 * readers of the configuration use json-c's types.
 */
#ifndef VFA_CONFIG_JSON_H
#define VFA_CONFIG_JSON_H

#include "base/error.h"
#include "spec/spec.h"

#include <json-c/json.h>

/* Parses strict JSON (RFC 8259). Free *ret with json_object_put(); it is NULL for JSON's null,
 * which every caller refuses. Errors have the file and the line of the mistake. */
int vfa_json_parse(const char *text, const struct vfa_where *where, struct json_object **ret,
                   struct vfa_error *err);

/* Returns a string as it is, another value as JSON text. Borrowed; NULL: out of memory. */
const char *vfa_json_text(struct json_object *value);

static inline void vfa_json_putp(struct json_object **value)
{
    json_object_put(*value);
}

#endif
