/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See extraspec.h. Invariant: each item of a returned list has an alias and a count in range. */

#include "extraspec.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "domain.h"

#include <errno.h>
#include <string.h>

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x
#define COUNT_MAX  TEXT(VFA_REQUEST_MAX)

void vfa_extraspec_clear(struct vfa_extraspec *spec)
{
    for (size_t i = 0; i < spec->n; i++)
        free(spec->items[i].alias);
    free(spec->items);
    spec->items = NULL;
    spec->n = 0;
}

static int fail_at_item(const char *text, const char *item, size_t len, const char *reason,
                        struct vfa_error *err)
{
    return vfa_fail(err, EINVAL, "cannot read '%.200s' at '%.*s': %s", text,
                    (int)(len < 80 ? len : 80), item, reason);
}

static bool read_item_count(const char *text, size_t len, uint32_t *ret)
{
    char digits[16];

    len = vfa_text_strip(&text, len);
    if (len >= sizeof(digits))
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return vfa_parse_u32(digits, VFA_REQUEST_MAX, ret) == 0 && *ret > 0;
}

/* Appends an item, which is `len` bytes of `text`. */
static int add_item(struct vfa_extraspec *spec, const char *text, const char *item, size_t len,
                    struct vfa_error *err)
{
    const char *colon = memchr(item, ':', len), *name = item;
    size_t name_len = vfa_text_strip(&name, colon ? (size_t)(colon - item) : len);
    struct vfa_extraspec_item *slot;
    uint32_t count = 1;

    if (name_len == 0)
        return fail_at_item(text, item, len, "an alias is missing", err);
    if (!colon && strchr(text, ','))
        return fail_at_item(text, item, len, "each item of a list must be ALIAS:COUNT", err);
    if (colon && !read_item_count(colon + 1, len - (size_t)(colon + 1 - item), &count))
        return fail_at_item(text, item, len, "the count behind ':' is not in 1 to " COUNT_MAX, err);
    slot = vfa_array_grow(&spec->items, spec->n);
    if (!slot)
        return vfa_fail_oom(err);
    slot->alias = strndup(name, name_len);
    slot->count = count;
    slot->counted = colon != NULL;
    spec->n++;
    return slot->alias ? 0 : vfa_fail_oom(err);
}

int vfa_extraspec_parse(const char *text, struct vfa_extraspec *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_extraspec_clear) struct vfa_extraspec spec = {NULL, 0};
    const char *item = text;

    for (;;) {
        size_t len = strcspn(item, ",");
        int r = add_item(&spec, text, item, len, err);

        if (r < 0)
            return r;
        if (!item[len])
            break;
        item += len + 1;
    }
    *ret = spec;
    spec = (struct vfa_extraspec){NULL, 0}; /* handed over */
    return 0;
}
