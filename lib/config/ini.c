/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses INI text line by line, like oslo.config's iniparser.py. A line that starts with a blank or
 * tab continues the value, until an empty line, a comment or other text in column 0. Quotes around
 * the first line of a value are removed. Comments behind a value are not supported.
 *
 * Invariant: between two lines a reader has no open entry, or one in `key` and `value`. This file
 * does not know the meaning of sections and keys.
 */

#include "ini.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "spec/spec.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_FILE (4u << 20) /* bytes; a file of this size is refused */

struct reader {
    struct vfa_where where; /* of the current line */
    char *section;          /* NULL: before the first section */
    char *key;              /* NULL: no open entry */
    unsigned key_line;
    char *value; /* terminated, in a buffer of `size` bytes */
    size_t len, size;
    struct vfa_ini *ini;
};

void vfa_ini_clear(struct vfa_ini *ini)
{
    for (size_t i = 0; i < ini->n; i++) {
        free(ini->entries[i].section);
        free(ini->entries[i].key);
        free(ini->entries[i].value);
    }
    free(ini->entries);
    ini->entries = NULL;
    ini->n = 0;
}

static void reader_clear(struct reader *reader)
{
    free(reader->section);
    free(reader->key);
    free(reader->value);
}

static int append_value(struct reader *reader, const char *text, size_t len, struct vfa_error *err)
{
    if (reader->size - reader->len <= len) {
        size_t size = 2 * (reader->len + len + 1);
        char *value = realloc(reader->value, size);

        if (!value)
            return vfa_fail_oom(err);
        reader->value = value;
        reader->size = size;
    }
    memcpy(reader->value + reader->len, text, len);
    reader->len += len;
    reader->value[reader->len] = '\0';
    return 0;
}

/* Adds the open entry, if any, to the list. */
static int flush(struct reader *reader, struct vfa_error *err)
{
    struct vfa_where where = {reader->where.file, reader->key_line};
    struct vfa_ini_entry *entry;
    char *section;

    if (!reader->key)
        return 0;
    if (!reader->section)
        return vfa_config_fail(&where, err, "'%s' stands in front of the first section",
                               reader->key);
    entry = vfa_array_grow(&reader->ini->entries, reader->ini->n);
    section = strdup(reader->section);
    if (!entry || !section) {
        free(section);
        return vfa_fail_oom(err);
    }
    entry->section = section;
    entry->key = vfa_steal(&reader->key);
    entry->value = vfa_steal(&reader->value);
    entry->line = reader->key_line;
    reader->ini->n++;
    reader->len = reader->size = 0;
    return 0;
}

/* Reads "[NAME]". Blanks in the name are kept. Case is ignored, except for DEFAULT. */
static int read_section(struct reader *reader, const char *line, size_t len, struct vfa_error *err)
{
    char *name;

    if (line[len - 1] != ']')
        return vfa_config_fail(&reader->where, err, "a section does not end with ']'");
    if (len <= 2)
        return vfa_config_fail(&reader->where, err, "a section has no name");
    name = strndup(line + 1, len - 2);
    if (!name)
        return vfa_fail_oom(err);
    for (char *p = name; strcmp(name, "DEFAULT") != 0 && *p; p++)
        *p = vfa_text_lower(*p);
    free(reader->section);
    reader->section = name;
    return 0;
}

static const char *find_separator(const char *line, size_t len)
{
    for (const char *p = line; p < line + len; p++) {
        if (*p == ':' || *p == '=')
            return p;
    }
    return NULL;
}

static int read_assignment(struct reader *reader, const char *line, size_t len,
                           struct vfa_error *err)
{
    const char *separator = find_separator(line, len), *value;
    size_t key_len, value_len;

    if (!separator)
        return vfa_config_fail(&reader->where, err, "there is no ':' or '=' in '%.*s'",
                               (int)(len < 80 ? len : 80), line);
    value = separator + 1;
    value_len = vfa_text_strip(&value, len - (size_t)(value - line));
    key_len = vfa_text_strip(&line, (size_t)(separator - line));
    if (key_len == 0)
        return vfa_config_fail(&reader->where, err, "there is no key in front of '%c'", *separator);
    if (value_len > 0 && (*value == '"' || *value == '\'') && value[value_len - 1] == *value) {
        value++;
        value_len -= value_len > 1 ? 2 : 1;
    }
    reader->key = strndup(line, key_len);
    reader->key_line = reader->where.line;
    return reader->key ? append_value(reader, value, value_len, err) : vfa_fail_oom(err);
}

static int read_continuation(struct reader *reader, const char *text, size_t len,
                             struct vfa_error *err)
{
    int r;

    if (!reader->key)
        return vfa_config_fail(&reader->where, err, "an indented line continues nothing: '%.*s'",
                               (int)(len < 80 ? len : 80), text);
    r = append_value(reader, "\n", 1, err);
    return r < 0 ? r : append_value(reader, text, len, err);
}

static int read_ini_line(struct reader *reader, const char *line, size_t len, struct vfa_error *err)
{
    const char *text = line;
    size_t text_len = vfa_text_strip(&text, len);
    int r;

    if (text_len > 0 && (*line == ' ' || *line == '\t'))
        return read_continuation(reader, text, text_len, err);
    r = flush(reader, err);
    if (r < 0 || text_len == 0 || *line == '#' || *line == ';')
        return r;
    len = (size_t)(text - line) + text_len;
    if (*line == '[')
        return read_section(reader, line, len, err);
    return read_assignment(reader, line, len, err);
}

static int read_lines(struct reader *reader, const char *text, size_t len, struct vfa_error *err)
{
    const char *end = text + len;
    int r = 0;

    while (r == 0 && text < end) {
        const char *p = text;

        while (p < end && *p != '\n' && *p != '\r')
            p++;
        reader->where.line++;
        r = read_ini_line(reader, text, (size_t)(p - text), err);
        text = p < end && *p == '\r' && p + 1 < end && p[1] == '\n' ? p + 2 : p + 1;
    }
    return r < 0 ? r : flush(reader, err);
}

int vfa_ini_parse(const char *file, const char *text, size_t len, struct vfa_ini *ret,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_ini_clear) struct vfa_ini ini = {NULL, 0};
    VFA_AUTO(reader_clear) struct reader reader = {.where = {file, 0}, .ini = &ini};
    int r;

    if (memchr(text, '\0', len))
        return vfa_fail(err, EINVAL, "%s: this is not text: it has a NUL byte", file);
    r = read_lines(&reader, text, len, err);
    *ret = ini;
    memset(&ini, 0, sizeof(ini)); /* handed over */
    return r;
}

int vfa_config_read_ini(const char *path, const char *file, struct vfa_ini *ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data text = {NULL, 0};
    int r = fd < 0 ? -errno : vfa_io_read_all(fd, MAX_FILE, &text);

    if (r == -ENOMEM)
        return vfa_fail_oom(err);
    if (r < 0)
        return vfa_fail(err, -r, "cannot read '%s': %s", path, strerror(-r));
    return vfa_ini_parse(file, text.data, text.len, ret, err);
}
