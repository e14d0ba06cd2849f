/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists that grow by one element: a pointer to the elements and their number, as plain members of
 * the struct that owns them. The elements are freed by free(), after what they own.
 */
#ifndef VFA_BASE_ARRAY_H
#define VFA_BASE_ARRAY_H

#include "common.h"

/* Makes room for one more element behind the `n` elements of *items. `items` is the address of the
 * owner's pointer, which is NULL while the list is empty and has no room.
 *
 * Returns the new element, all bytes zero, with the type of *items: the compiler finds a list of
 * another type. *items may move: pointers to its elements are not valid any more. `n` is not
 * raised: the caller does that when the element is complete, so that a half-made element is never
 * cleared. NULL: out of memory, or the size does not fit into size_t; *items is as it was.
 *
 * There is no spare room, each call reallocates: for short lists. */
#define vfa_array_grow(items, n)                                                                   \
    ((__typeof__(*(items)))vfa_array_grow_bytes((items), (n), sizeof(**(items))))

/* The same with elements of `size` bytes; `items` is the address of a pointer to any object. */
void *vfa_array_grow_bytes(void *items, size_t n, size_t size) VFA_MUST_CHECK;

#endif
