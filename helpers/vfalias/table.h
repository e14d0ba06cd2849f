/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Aligned tables for people. Cells are added in order, row after row; the widths are those of the
 * screen (wcwidth), control characters become '?', and colour is used on a terminal only, never
 * with NO_COLOR (https://no-color.org). An allocation that fails is remembered and reported by
 * vfa_table_print().
 */
#ifndef VFA_VFALIAS_TABLE_H
#define VFA_VFALIAS_TABLE_H

#include "base/common.h"

enum vfa_table_colour {
    VFA_TABLE_PLAIN,
    VFA_TABLE_BOLD,
    VFA_TABLE_DIM,
    VFA_TABLE_RED,
    VFA_TABLE_GREEN,
    VFA_TABLE_YELLOW,
};

struct vfa_table;

/* headers: n of them, borrowed for the table's life. NULL: out of memory. */
struct vfa_table *vfa_table_new(const char *const *headers, size_t n);
struct vfa_table *vfa_table_free(struct vfa_table *table);
VFA_DEFINE_AUTO(struct vfa_table, vfa_table_free);

/* The next cell, from left to right. NULL or "" shows as "-". */
void vfa_table_cell(struct vfa_table *table, enum vfa_table_colour colour, const char *text);
void vfa_table_cellf(struct vfa_table *table, enum vfa_table_colour colour, const char *fmt, ...)
    VFA_PRINTF(3, 4);
/* Negative: "-". */
void vfa_table_cell_number(struct vfa_table *table, long number);
/* Seconds since the epoch, as local time. */
void vfa_table_cell_time(struct vfa_table *table, int64_t seconds);

/* Prints headers and rows on stdout (also without rows); returns an exit status. */
int vfa_table_print(const struct vfa_table *table);

#endif
