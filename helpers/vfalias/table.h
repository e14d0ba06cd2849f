/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Aligned tables on stdout. Cells are added from left to right, row after row. Widths are columns
 * of the screen (wcwidth), control characters become '?'. Colour is used on a terminal only, and
 * not with NO_COLOR (https://no-color.org). vfa_table_print() reports a failed allocation of any
 * cell.
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

/* headers: n texts, borrowed as long as the table exists. NULL: out of memory. */
struct vfa_table *vfa_table_new(const char *const *headers, size_t n);
struct vfa_table *vfa_table_free(struct vfa_table *table);
VFA_DEFINE_AUTO(struct vfa_table, vfa_table_free);

/* Adds the next cell. NULL and "" are printed as "-". */
void vfa_table_cell(struct vfa_table *table, enum vfa_table_colour colour, const char *text);
void vfa_table_cellf(struct vfa_table *table, enum vfa_table_colour colour, const char *fmt, ...)
    VFA_PRINTF(3, 4);
/* A negative number is printed as "-". */
void vfa_table_cell_number(struct vfa_table *table, long number);
/* Seconds since the epoch are printed as local time. */
void vfa_table_cell_time(struct vfa_table *table, int64_t seconds);

/* Prints headers and rows on stdout; returns an exit status. table: NULL after a failed
 * vfa_table_new(). */
int vfa_table_print(const struct vfa_table *table);

#endif
