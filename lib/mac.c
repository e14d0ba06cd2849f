/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See mac.h. FNV-1a over both texts, and a final mix (that of MurmurHash3) because FNV-1a alone
 * hardly moves its upper bits for names that differ in the last character. The result is part of
 * what guests rely on: it must never change.
 */
#include "mac.h"

#include <stdint.h>
#include <stdio.h>

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    while (*text++); /* the NUL too: "ab", "c" is not "a", "bc" */
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
