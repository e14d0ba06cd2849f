/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See array.h. The owner's pointer has any type, so it is copied, not cast. */

#include "array.h"

#include <string.h>

void *vfa_array_grow_bytes(void *items, size_t n, size_t size)
{
    void *array, *more;

    memcpy(&array, items, sizeof(array)); /* whatever it is a pointer to */
    more = n < SIZE_MAX ? reallocarray(array, n + 1, size) : NULL;
    if (!more)
        return NULL;
    memcpy(items, &more, sizeof(more));
    return memset((char *)more + n * size, 0, size);
}
