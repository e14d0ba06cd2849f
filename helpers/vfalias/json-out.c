/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See json-out.h. If *oom is set, a container may be NULL: its values are then freed. */

#include "json-out.h"

#include "base/text.h"
#include "cmd.h"

#include <string.h>

struct json_object *vfa_json_make_object(bool *oom)
{
    struct json_object *object = json_object_new_object();

    if (!object)
        *oom = true;
    return object;
}

struct json_object *vfa_json_make_array(bool *oom)
{
    struct json_object *array = json_object_new_array();

    if (!array)
        *oom = true;
    return array;
}

void vfa_json_set_null(bool *oom, struct json_object *object, const char *key)
{
    if (!object || json_object_object_add(object, key, NULL) != 0)
        *oom = true;
}

void vfa_json_set(bool *oom, struct json_object *object, const char *key, struct json_object *value)
{
    if (!object || !value || json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        *oom = true;
    }
}

void vfa_json_set_text(bool *oom, struct json_object *object, const char *key, const char *text)
{
    if (text)
        vfa_json_set(oom, object, key, json_object_new_string(text));
    else
        vfa_json_set_null(oom, object, key);
}

void vfa_json_set_id(bool *oom, struct json_object *object, const char *key, uint16_t id)
{
    char text[sizeof("ffff")];

    snprintf(text, sizeof(text), "%04x", id);
    vfa_json_set_text(oom, object, key, text);
}

void vfa_json_set_number(bool *oom, struct json_object *object, const char *key, int64_t number)
{
    if (number < 0)
        vfa_json_set_null(oom, object, key);
    else
        vfa_json_set(oom, object, key, json_object_new_int64(number));
}

void vfa_json_set_time(bool *oom, struct json_object *object, const char *key, int64_t seconds)
{
    char text[40];

    vfa_json_set_text(oom, object, key, vfa_cmd_time(seconds, true, text, sizeof(text)));
}

void vfa_json_set_bool(bool *oom, struct json_object *object, const char *key, bool value)
{
    vfa_json_set(oom, object, key, json_object_new_boolean(value));
}

void vfa_json_push(bool *oom, struct json_object *array, struct json_object *value)
{
    if (!array || !value || json_object_array_add(array, value) != 0) {
        json_object_put(value);
        *oom = true;
    }
}

static const char *format_json(bool oom, struct json_object *root)
{
    const int flags =
        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;

    return oom ? NULL : json_object_to_json_string_ext(root, flags);
}

static int fail_oom(void)
{
    return vfa_cmd_fail("cannot write JSON: out of memory");
}

/* JSON must be UTF-8, but a text (a quarantine reason, the name of an interface) may not be. Each
 * invalid byte is printed as U+FFFD, the replacement character. */
static void print_text(const char *text, size_t len)
{
    const char *end = text + len, *done = text;

    while (text < end) {
        size_t n = vfa_utf8_len(text);

        if (n > 0) {
            text += n;
            continue;
        }
        fwrite(done, 1, (size_t)(text - done), stdout);
        fputs("\xef\xbf\xbd", stdout);
        done = ++text;
    }
    fwrite(done, 1, (size_t)(end - done), stdout);
}

int vfa_json_print(bool oom, struct json_object *root)
{
    const char *text = format_json(oom, root);
    int status = text ? VFA_CMD_FINE : fail_oom();

    if (text) {
        print_text(text, strlen(text));
        putchar('\n');
    }
    json_object_put(root);
    return status;
}

/* ---- streamed arrays ---- */

/* Indented by two columns, as json-c indents the values of an array. */
int vfa_json_stream_add(struct vfa_json_stream *stream, bool oom, struct json_object *value)
{
    const char *text = format_json(oom, value);
    int status = text ? VFA_CMD_FINE : fail_oom();

    if (text)
        fputs(stream->n++ ? ",\n" : "[\n", stdout);
    for (const char *line = text; line && *line;) {
        size_t len = strcspn(line, "\n");

        fputs("  ", stdout);
        print_text(line, len);
        line += len;
        if (*line)
            putchar(*line++);
    }
    json_object_put(value);
    return status;
}

void vfa_json_stream_end(struct vfa_json_stream *stream)
{
    puts(stream->n ? "\n]" : "[]");
}
