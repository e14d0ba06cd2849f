/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tags: the extra keys of a device_spec ("physical_network": "physnet1"), or what an alias or a
 * request wants of them. A small sorted list of unique key/value strings, compared case-sensitively
 * (as Nova's pools do).
 */
#ifndef VFA_BASE_TAGS_H
#define VFA_BASE_TAGS_H

#include "common.h"
#include "error.h"

struct vfa_tag {
    char *key;
    char *value;
};

struct vfa_tags {
    struct vfa_tag *items; /* sorted by key */
    size_t n;
};

/* Sets key to a copy of value; replaces what was there (in JSON the last one counts). */
int vfa_tags_set(struct vfa_tags *tags, const char *key, const char *value, struct vfa_error *err);

/* The value, borrowed, or NULL. */
const char *vfa_tags_get(const struct vfa_tags *tags, const char *key);

/* True if `have` has every key of `want` with the same value. */
bool vfa_tags_contain(const struct vfa_tags *have, const struct vfa_tags *want);

void vfa_tags_clear(struct vfa_tags *tags);

#endif
