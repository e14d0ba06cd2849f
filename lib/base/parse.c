/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See parse.h. The functions do not use strtoul(), which accepts signs and blanks and wraps around.
 * Invariant: *ret is written only if the whole text is one valid value in range.
 */

#include "parse.h"

#include "common.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

int vfa_parse_digit(char c, unsigned base)
{
    int v = -1;

    if (c >= '0' && c <= '9')
        v = c - '0';
    else if (c >= 'a' && c <= 'f')
        v = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        v = c - 'A' + 10;
    return v < (int)base ? v : -1;
}

static int parse_number(const char *text, unsigned base, uint32_t max, uint32_t *ret)
{
    uint64_t value = 0;

    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        int v = vfa_parse_digit(*text, base);

        if (v < 0)
            return -EINVAL;
        value = value * base + (unsigned)v;
        if (value > max)
            return -EINVAL;
    }
    *ret = (uint32_t)value;
    return 0;
}

int vfa_parse_u32(const char *text, uint32_t max, uint32_t *ret)
{
    return parse_number(text, 10, max, ret);
}

int vfa_parse_hex(const char *text, uint32_t max, uint32_t *ret)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    return parse_number(text, 16, max, ret);
}

/* Parses the digits of a Python number up to `end`. A single underscore between two digits is
 * allowed. */
static int parse_python_digits(const char *p, const char *end, int32_t *ret)
{
    int64_t value = 0;
    bool after_digit = false;

    for (; p < end; p++) {
        int v = vfa_parse_digit(*p, 16);

        if (*p == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        if (v < 0)
            return -EINVAL;
        value = value * 16 + v;
        if (value > VFA_PYTHON_HEX_MAX)
            value = VFA_PYTHON_HEX_MAX;
        after_digit = true;
    }
    if (!after_digit)
        return -EINVAL;
    *ret = (int32_t)value;
    return 0;
}

int vfa_parse_python_hex(const char *text, int32_t *ret)
{
    size_t len = vfa_text_strip(&text, strlen(text));
    const char *end = text + len;
    bool negative = len > 0 && *text == '-';
    int32_t value;

    if (len > 0 && (*text == '-' || *text == '+'))
        text++;
    if (end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        if (*text == '_')
            text++;
    }
    if (parse_python_digits(text, end, &value) < 0)
        return -EINVAL;
    *ret = negative ? -value : value;
    return 0;
}

int vfa_parse_oslo_bool(const char *text, bool *ret)
{
    static const char *const words[][2] = {{"0", "1"},    {"f", "t"}, {"false", "true"},
                                           {"off", "on"}, {"n", "y"}, {"no", "yes"}};
    size_t len = vfa_text_strip(&text, strlen(text));

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (size_t j = 0; j < 2; j++) {
            if (vfa_text_is(text, len, words[i][j])) {
                *ret = j == 1;
                return 0;
            }
        }
    }
    return -EINVAL;
}

int vfa_parse_bool(const char *text, bool *ret)
{
    if (strcmp(text, "yes") == 0)
        *ret = true;
    else if (strcmp(text, "no") == 0)
        *ret = false;
    else
        return -EINVAL;
    return 0;
}

int vfa_parse_log_level(const char *text, int *ret)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = {
        {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *ret = levels[i].level;
            return 0;
        }
    }
    return -EINVAL;
}
