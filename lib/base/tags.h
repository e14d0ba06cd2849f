/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tags: the extra keys of a device_spec ("physical_network": "physnet1"), or the tags that an alias
 * or a request requires. A small sorted list of key/value strings with unique keys. Comparison is
 * case-sensitive, as in Nova's pools.
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

/* Sets `key` to a copy of `value`. Replaces an earlier value: in JSON the last value counts. */
int vfa_tags_set(struct vfa_tags *tags, const char *key, const char *value, struct vfa_error *err);

/* Returns the value, borrowed, or NULL. */
const char *vfa_tags_get(const struct vfa_tags *tags, const char *key);

/* Whether `have` has every key of `want` with the same value. */
bool vfa_tags_contain(const struct vfa_tags *have, const struct vfa_tags *want);

void vfa_tags_clear(struct vfa_tags *tags);

#endif
