/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pci-address.h. Invariant: *ret is written only if the whole text is one address. */

#include "pci-address.h"

#include "parse.h"

#include <errno.h>

/* Reads min to max lower-case digits up to `end` ('\0': the end of the text). Moves *text behind
 * `end`. */
static int parse_field(const char **text, char end, size_t min, size_t max, uint32_t limit,
                       uint32_t *ret)
{
    uint64_t value = 0;
    size_t n = 0;

    for (; **text != end; (*text)++, n++) {
        int v = **text >= 'A' && **text <= 'F' ? -1 : vfa_parse_digit(**text, 16);

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
        return -EINVAL; /* sysfs writes more than four digits only if needed */
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
    /* The masks do not change a valid address; they limit the length of an invalid one. */
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
