/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON text to json-c's objects, strictly as Python's json reads it for Nova. json-c's types go no
 * further than the readers of the configuration.
 */
#ifndef VFA_CONFIG_JSON_H
#define VFA_CONFIG_JSON_H

#include "base/error.h"
#include "spec/spec.h"

#include <json-c/json.h>

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

#endif
