/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists that grow by one element. The owner of a list has two plain members: a pointer to the
 * elements, and their number. The owner frees what the elements own, then the array with free().
 */
#ifndef VFA_BASE_ARRAY_H
#define VFA_BASE_ARRAY_H

#include "common.h"

/* Makes room for one element behind the `n` elements of *items. `items` is the address of the
 * owner's pointer; the pointer is NULL as long as nothing is allocated.
 *
 * Returns the new element with all bytes zero, or NULL: out of memory, or the size does not fit
 * into size_t; *items is unchanged then. The result has the type of *items, so the compiler reports
 * a wrong element type. *items may move: pointers to its elements become invalid. The caller
 * increments its number when the element is complete, so that a clear function never sees an
 * incomplete element.
 *
 * Each call reallocates; the list has no spare room. Use it for short lists. */
#define vfa_array_grow(items, n)                                                                   \
    ((__typeof__(*(items)))vfa_array_grow_bytes((items), (n), sizeof(**(items))))

/* The same for elements of `size` bytes. `items` is the address of a pointer to any type. */
void *vfa_array_grow_bytes(void *items, size_t n, size_t size) VFA_MUST_CHECK;

#endif
