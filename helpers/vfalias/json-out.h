/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON for programs, on top of json-c: every setter consumes what it adds, and an allocation that
 * fails is noted in *oom (sticky) instead of being checked at each call; vfa_json_print() then
 * refuses.
 */
#ifndef VFA_VFALIAS_JSON_OUT_H
#define VFA_VFALIAS_JSON_OUT_H

#include "base/common.h"

#include <json-c/json.h>

struct json_object *vfa_json_make_object(bool *oom);
struct json_object *vfa_json_make_array(bool *oom);

/* NULL as text is null. */
void vfa_json_set_text(bool *oom, struct json_object *object, const char *key, const char *text);
/* A vendor or product id: four hexadecimal digits. */
void vfa_json_set_id(bool *oom, struct json_object *object, const char *key, uint16_t id);
/* Negative is null. */
void vfa_json_set_number(bool *oom, struct json_object *object, const char *key, int64_t number);
/* Seconds since the epoch, as ISO 8601 text in UTC. */
void vfa_json_set_time(bool *oom, struct json_object *object, const char *key, int64_t seconds);
void vfa_json_set_bool(bool *oom, struct json_object *object, const char *key, bool value);
void vfa_json_set_null(bool *oom, struct json_object *object, const char *key);
void vfa_json_set(bool *oom, struct json_object *object, const char *key,
                  struct json_object *value);
void vfa_json_push(bool *oom, struct json_object *array, struct json_object *value);

/* Prints to stdout, frees root; returns an exit status. */
int vfa_json_print(bool oom, struct json_object *root);

/* An array that is written as its values are made, so that it may have 100,000 of them. */
struct vfa_json_stream {
    size_t n;
};

/* Writes one value and consumes it. As vfa_json_print(); what was written before stays. */
int vfa_json_stream_add(struct vfa_json_stream *stream, bool oom, struct json_object *value);
void vfa_json_stream_end(struct vfa_json_stream *stream);

#endif
