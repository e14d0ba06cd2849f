/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON output with json-c. Every setter takes over the value that it adds. A failed allocation sets
 * *oom, which stays set, so callers need not check each call; vfa_json_print() then prints an
 * error.
 */
#ifndef VFA_VFALIAS_JSON_OUT_H
#define VFA_VFALIAS_JSON_OUT_H

#include "base/common.h"

#include <json-c/json.h>

struct json_object *vfa_json_make_object(bool *oom);
struct json_object *vfa_json_make_array(bool *oom);

/* A NULL text becomes null. */
void vfa_json_set_text(bool *oom, struct json_object *object, const char *key, const char *text);
/* A vendor or product id becomes four hexadecimal digits. */
void vfa_json_set_id(bool *oom, struct json_object *object, const char *key, uint16_t id);
/* A negative number becomes null. */
void vfa_json_set_number(bool *oom, struct json_object *object, const char *key, int64_t number);
/* Seconds since the epoch become ISO 8601 text in UTC. */
void vfa_json_set_time(bool *oom, struct json_object *object, const char *key, int64_t seconds);
void vfa_json_set_bool(bool *oom, struct json_object *object, const char *key, bool value);
void vfa_json_set_null(bool *oom, struct json_object *object, const char *key);
void vfa_json_set(bool *oom, struct json_object *object, const char *key,
                  struct json_object *value);
void vfa_json_push(bool *oom, struct json_object *array, struct json_object *value);

/* Prints `root` on stdout and frees it; returns an exit status. */
int vfa_json_print(bool oom, struct json_object *root);

/* An array whose values are written one by one: 100,000 values need no more memory than one. */
struct vfa_json_stream {
    size_t n;
};

/* Writes one value and frees it; returns an exit status. After a failure the output is incomplete:
 * earlier values are written already. */
int vfa_json_stream_add(struct vfa_json_stream *stream, bool oom, struct json_object *value);
void vfa_json_stream_end(struct vfa_json_stream *stream);

#endif
