/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See uuid5.h. SHA-1 as in FIPS 180-4, 6.1, over a message in two parts, a block at a time. */
#include "uuid5.h"

#include <string.h>

#include "parse.h"

#define BLOCK 64 /* bytes */

struct sha1 {
    uint32_t h[5];
    uint8_t block[BLOCK];
    size_t used;     /* bytes in block */
    uint64_t length; /* bytes in all */
};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void expand(const uint8_t block[BLOCK], uint32_t w[80])
{
    for (size_t t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (size_t t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
}

/* The function and the constant of round t. */
static uint32_t mix(size_t t, uint32_t b, uint32_t c, uint32_t d)
{
    if (t < 20)
        return ((b & c) | (~b & d)) + 0x5a827999;
    if (t < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    if (t < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

static void digest_block(struct sha1 *sha)
{
    uint32_t w[80], v[5];

    expand(sha->block, w);
    memcpy(v, sha->h, sizeof(v));
    for (size_t t = 0; t < 80; t++) {
        uint32_t next = rotate(v[0], 5) + mix(t, v[1], v[2], v[3]) + v[4] + w[t];

        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (size_t i = 0; i < 5; i++)
        sha->h[i] += v[i];
    sha->used = 0;
}

static void add(struct sha1 *sha, const void *data, size_t n)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < n; i++) {
        sha->block[sha->used++] = bytes[i];
        sha->length++;
        if (sha->used == BLOCK)
            digest_block(sha);
    }
}

/* The first 16 of the 20 bytes are what a UUID has room for. */
static void finish(struct sha1 *sha, uint8_t ret[16])
{
    uint64_t bits = sha->length * 8;
    uint8_t length[8];

    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    add(sha, "\x80", 1);
    while (sha->used != BLOCK - sizeof(length))
        add(sha, "", 1);
    add(sha, length, sizeof(length));
    for (size_t i = 0; i < 16; i++)
        ret[i] = (uint8_t)(sha->h[i / 4] >> (24 - 8 * (i % 4)));
}

static bool is_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static bool read_uuid(const char *text, uint8_t ret[16])
{
    size_t n = 0;

    if (strlen(text) != VFA_UUID5_SIZE - 1)
        return false;
    for (size_t i = 0; i < VFA_UUID5_SIZE - 1; i += is_dash(i) ? 1 : 2) {
        const char pair[] = {text[i], text[i + 1], '\0'};
        uint32_t byte;

        if (is_dash(i) ? text[i] != '-' : vfa_parse_hex(pair, 0xff, &byte) < 0)
            return false;
        if (!is_dash(i))
            ret[n++] = (uint8_t)byte;
    }
    return true;
}

const char *vfa_uuid5(const char *namespace, const char *name, char buf[VFA_UUID5_SIZE])
{
    struct sha1 sha = {.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
    uint8_t u[16];

    buf[0] = '\0';
    if (!read_uuid(namespace, u))
        return buf;
    add(&sha, u, sizeof(u));
    add(&sha, name, strlen(name));
    finish(&sha, u);
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x50); /* version */
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80); /* variant */
    snprintf(buf, VFA_UUID5_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
    return buf;
}
