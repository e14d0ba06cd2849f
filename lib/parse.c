/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See parse.h. Written by hand over ASCII digits, since strtoul() takes signs, blanks and wraps
 * around. Invariant: *ret is written only when the whole text was one number in range.
 */
#include "parse.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

/* The value of a digit in `base`, or -1. */
static int digit(char c, unsigned base)
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
        int v = digit(*text, base);

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

/* The digits of a Python number up to `end`: single underscores may stand between two digits. */
static int parse_python_digits(const char *p, const char *end, int32_t *ret)
{
    int64_t value = 0;
    bool after_digit = false;

    for (; p < end; p++) {
        int v = digit(*p, 16);

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

/* How many bytes the blank at p takes; 0 if there is none. What Python's str.isspace says. */
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

/* Reads min to max lower-case digits up to `end` ('\0': the end of the text) and moves *text behind
 * it. */
static int parse_field(const char **text, char end, size_t min, size_t max, uint32_t limit,
                       uint32_t *ret)
{
    uint64_t value = 0;
    size_t n = 0;

    for (; **text != end; (*text)++, n++) {
        int v = **text >= 'A' && **text <= 'F' ? -1 : digit(**text, 16);

        if (v < 0 || n == max)
            return -EINVAL;
        value = value * 16 + (unsigned)v;
    }
    if (n < min || value > limit)
        return -EINVAL;
    if (end)
        (*text)++;
    *ret = (uint32_t)value;
    return 0;
}

int vfa_parse_pci_addr(const char *text, struct vfa_pci_addr *ret)
{
    uint32_t domain, bus, slot, function;
    const char *start = text;

    if (parse_field(&text, ':', 4, 8, UINT32_MAX, &domain) < 0)
        return -EINVAL;
    if (text - start > 5 && *start == '0')
        return -EINVAL; /* more than four digits only where they are needed */
    if (parse_field(&text, ':', 2, 2, 0xff, &bus) < 0 ||
        parse_field(&text, '.', 2, 2, 0x1f, &slot) < 0 ||
        parse_field(&text, '\0', 1, 1, 7, &function) < 0)
        return -EINVAL;
    ret->domain = domain;
    ret->bus = (uint8_t)bus;
    ret->slot = (uint8_t)slot;
    ret->function = (uint8_t)function;
    return 0;
}

char *vfa_pci_addr_format(const struct vfa_pci_addr *addr, char *buf)
{
    /* The masks change nothing in a valid address; they bound the length of any other. */
    snprintf(buf, VFA_PCI_ADDR_SIZE, "%04x:%02x:%02x.%x", (unsigned)addr->domain,
             (unsigned)addr->bus, addr->slot & 0x1fu, addr->function & 7u);
    return buf;
}

int vfa_pci_addr_compare(const struct vfa_pci_addr *a, const struct vfa_pci_addr *b)
{
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->bus != b->bus)
        return a->bus < b->bus ? -1 : 1;
    if (a->slot != b->slot)
        return a->slot < b->slot ? -1 : 1;
    return (a->function > b->function) - (a->function < b->function);
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
