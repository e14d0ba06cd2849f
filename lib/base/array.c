/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See array.h. The owner's pointer may have any type, so memcpy() reads and writes it, no cast. */

#include "array.h"

#include <string.h>

void *vfa_array_grow_bytes(void *items, size_t n, size_t size)
{
    void *array, *more;

    memcpy(&array, items, sizeof(array));
    more = n < SIZE_MAX / size ? realloc(array, (n + 1) * size) : NULL;
    if (!more)
        return NULL;
    memcpy(items, &more, sizeof(more));
    return memset((char *)more + n * size, 0, size);
}
