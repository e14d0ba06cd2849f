/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See mac.h. The hash is FNV-1a over both texts, then the final mix of MurmurHash3: names that
 * differ only in the last character change almost no upper bits of FNV-1a alone. Guests rely on the
 * result: it must never change.
 */

#include "mac.h"

#include "error.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    while (*text++); /* includes the NUL: "ab", "c" differs from "a", "bc" */
    return hash;
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

const char *vfa_mac_derive(const char *uuid, const char *request, char buf[VFA_MAC_SIZE])
{
    uint64_t h = mix(fnv1a(fnv1a(UINT64_C(0xcbf29ce484222325), uuid), request));

    snprintf(buf, VFA_MAC_SIZE, "56:%02x:%02x:%02x:%02x:%02x", (unsigned)(h >> 32) & 0xff,
             (unsigned)(h >> 24) & 0xff, (unsigned)(h >> 16) & 0xff, (unsigned)(h >> 8) & 0xff,
             (unsigned)h & 0xff);
    return buf;
}

static bool read_octets(const char *text, uint8_t octets[6])
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    for (size_t i = 0; i < VFA_MAC_SIZE; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

        if (i % 3 == 2 ? text[i] != (i < 17 ? ':' : '\0') : !digit)
            return false;
        if (digit && i % 3 != 2)
            octets[i / 3] = (uint8_t)(octets[i / 3] << 4 | ((digit - digits) & 15));
    }
    return true;
}

int vfa_mac_parse(const char *text, char buf[VFA_MAC_SIZE], struct vfa_error *err)
{
    uint8_t octets[6] = {0}, any = 0;

    if (!read_octets(text, octets))
        return vfa_fail(err, EINVAL, "'%s' is not a MAC address (example: 52:54:00:01:02:03)",
                        text);
    if (octets[0] & 1)
        return vfa_fail(err, EINVAL, "'%s' is a multicast address, which no interface can have",
                        text);
    for (size_t i = 0; i < 6; i++)
        any |= octets[i];
    if (!any)
        return vfa_fail(err, EINVAL, "'%s' is all zeros, which no interface can have", text);
    snprintf(buf, VFA_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2],
             octets[3], octets[4], octets[5]);
    return 0;
}
