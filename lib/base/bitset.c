/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See bitset.h. */

#include "bitset.h"

#include "common.h"
#include "parse.h"

#include <errno.h>
#include <string.h>

void vfa_bitset_add(struct vfa_bitset *set, unsigned bit)
{
    if (bit < VFA_BITSET_BITS)
        set->words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

void vfa_bitset_remove(struct vfa_bitset *set, unsigned bit)
{
    if (bit < VFA_BITSET_BITS)
        set->words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

bool vfa_bitset_has(const struct vfa_bitset *set, unsigned bit)
{
    return bit < VFA_BITSET_BITS && (set->words[bit / 64] >> (bit % 64) & 1);
}

bool vfa_bitset_empty(const struct vfa_bitset *set)
{
    return vfa_bitset_next(set, 0) < 0;
}

void vfa_bitset_unite(struct vfa_bitset *set, const struct vfa_bitset *more)
{
    for (size_t i = 0; i < ARRAY_SIZE(set->words); i++)
        set->words[i] |= more->words[i];
}

int vfa_bitset_next(const struct vfa_bitset *set, unsigned from)
{
    for (unsigned bit = from; bit < VFA_BITSET_BITS; bit++) {
        if (set->words[bit / 64] >> (bit % 64) == 0)
            bit |= 63; /* no further bit in this word */
        else if (vfa_bitset_has(set, bit))
            return (int)bit;
    }
    return -1;
}

/* Parses "N", "N-M" or "^N". Overwrites `item`. */
static int parse_item(char *item, struct vfa_bitset *set)
{
    char *dash = strchr(item, '-');
    bool out = *item == '^';
    uint32_t first, last;

    if (dash)
        *dash = '\0';
    if (vfa_parse_u32(item + out, VFA_BITSET_BITS - 1, &first) < 0)
        return -EINVAL;
    last = first;
    if (dash && (out || vfa_parse_u32(dash + 1, VFA_BITSET_BITS - 1, &last) < 0 || last < first))
        return -EINVAL;
    for (uint32_t i = first; i <= last; i++) {
        if (out)
            vfa_bitset_remove(set, i);
        else
            vfa_bitset_add(set, i);
    }
    return 0;
}

static char *strip(char *text)
{
    size_t n;

    text += strspn(text, " \t\n");
    n = strlen(text);
    while (n > 0 && strchr(" \t\n", text[n - 1]))
        text[--n] = '\0';
    return text;
}

int vfa_bitset_parse(const char *text, struct vfa_bitset *set)
{
    VFA_AUTO(vfa_freep) char *copy = strdup(text);
    struct vfa_bitset more = *set;
    char *next = copy, *item;

    if (!copy)
        return -ENOMEM;
    if (!*strip(copy))
        return 0; /* a node with memory only has an empty cpulist */
    while ((item = strsep(&next, ","))) {
        if (parse_item(strip(item), &more) < 0)
            return -EINVAL;
    }
    *set = more;
    return 0;
}

char *vfa_bitset_format(const struct vfa_bitset *set, char *buf, size_t size)
{
    size_t used = 0;
    int first, last;

    buf[0] = '\0';
    for (first = vfa_bitset_next(set, 0); first >= 0 && used < size;
         first = vfa_bitset_next(set, (unsigned)last + 1)) {
        const char *comma = used ? "," : "";

        last = first;
        while (vfa_bitset_has(set, (unsigned)last + 1))
            last++;
        used += (size_t)(first == last
                             ? snprintf(buf + used, size - used, "%s%d", comma, first)
                             : snprintf(buf + used, size - used, "%s%d-%d", comma, first, last));
    }
    return buf;
}
