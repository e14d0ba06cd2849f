/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See tags.h. A list has a few tags, so insertion sort and linear search are enough. */

#include "tags.h"

#include "array.h"
#include "common.h"
#include "error.h"

#include <string.h>

int vfa_tags_set(struct vfa_tags *tags, const char *key, const char *value, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *k = strdup(key);
    VFA_AUTO(vfa_freep) char *v = strdup(value);
    struct vfa_tag *more;
    size_t i = 0;

    if (!k || !v)
        return vfa_fail_oom(err);
    while (i < tags->n && strcmp(tags->items[i].key, key) < 0)
        i++;
    if (i < tags->n && strcmp(tags->items[i].key, key) == 0) {
        free(tags->items[i].value);
        tags->items[i].value = vfa_steal(&v);
        return 0;
    }
    more = vfa_array_grow(&tags->items, tags->n);
    if (!more)
        return vfa_fail_oom(err);
    memmove(&tags->items[i + 1], &tags->items[i], (tags->n - i) * sizeof(*tags->items));
    tags->items[i] = (struct vfa_tag){vfa_steal(&k), vfa_steal(&v)};
    tags->n++;
    return 0;
}

const char *vfa_tags_get(const struct vfa_tags *tags, const char *key)
{
    for (size_t i = 0; i < tags->n; i++) {
        if (strcmp(tags->items[i].key, key) == 0)
            return tags->items[i].value;
    }
    return NULL;
}

bool vfa_tags_contain(const struct vfa_tags *have, const struct vfa_tags *want)
{
    for (size_t i = 0; i < want->n; i++) {
        const char *value = vfa_tags_get(have, want->items[i].key);

        if (!value || strcmp(value, want->items[i].value) != 0)
            return false;
    }
    return true;
}

void vfa_tags_clear(struct vfa_tags *tags)
{
    for (size_t i = 0; i < tags->n; i++) {
        free(tags->items[i].key);
        free(tags->items[i].value);
    }
    free(tags->items);
    tags->items = NULL;
    tags->n = 0;
}
