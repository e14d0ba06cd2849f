/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See text.h. Invariant: no function here depends on the locale. */

#include "text.h"

#include <string.h>

/* Returns the length in bytes of the blank at p (as Python's str.isspace defines it), or 0. */
static size_t blank(const unsigned char *p, size_t len)
{
    if ((p[0] >= 0x09 && p[0] <= 0x0d) || (p[0] >= 0x1c && p[0] <= 0x20))
        return 1;
    if (len >= 2 && p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0))
        return 2;
    if (len < 3)
        return 0;
    if (p[0] == 0xe2 && p[1] == 0x80)
        return p[2] <= 0x8a || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf ? 3 : 0;
    if ((p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80) ||
        (p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f) ||
        (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80))
        return 3;
    return 0;
}

size_t vfa_text_strip(const char **text, size_t len)
{
    const unsigned char *p = (const unsigned char *)*text;
    size_t start = 0, end, n;

    while (start < len && (n = blank(p + start, len - start)))
        start += n;
    end = start;
    for (size_t i = start; i < len; i += n ? n : 1) {
        n = blank(p + i, len - i);
        if (!n)
            end = i + 1;
    }
    *text += start;
    return end - start;
}

char vfa_text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool vfa_text_is(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (!word[i] || vfa_text_lower(text[i]) != vfa_text_lower(word[i]))
            return false;
    }
    return word[len] == '\0';
}

bool vfa_text_same(const char *a, const char *b)
{
    return vfa_text_is(a, strlen(a), b);
}

size_t vfa_utf8_len(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}
