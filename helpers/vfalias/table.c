/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See table.h. The last column is not padded, so lines have no trailing blanks. */

#include "table.h"

#include "base/common.h"
#include "cmd.h"

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

struct cell {
    char *text;
    size_t width;
    enum vfa_table_colour colour;
};

struct vfa_table {
    const char *const *headers;
    size_t n_columns;
    struct cell *cells;
    size_t n, room;
    bool oom;
};

static const char *const colour_on[] = {
    [VFA_TABLE_PLAIN] = "",       [VFA_TABLE_BOLD] = "\033[1m",   [VFA_TABLE_DIM] = "\033[2m",
    [VFA_TABLE_RED] = "\033[31m", [VFA_TABLE_GREEN] = "\033[32m", [VFA_TABLE_YELLOW] = "\033[33m",
};

static bool want_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

/* Columns on the screen; bytes if the text is not valid in the locale. */
static size_t width_of(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0;

    for (const char *p = text; *p;) {
        wchar_t c;
        size_t len = mbrtowc(&c, p, MB_CUR_MAX, &state);
        int columns;

        if (len == 0 || len > MB_CUR_MAX)
            return strlen(text);
        columns = wcwidth(c);
        width += columns > 0 ? (size_t)columns : 0;
        p += len;
    }
    return width;
}

struct vfa_table *vfa_table_new(const char *const *headers, size_t n)
{
    struct vfa_table *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    table->headers = headers;
    table->n_columns = n;
    return table;
}

struct vfa_table *vfa_table_free(struct vfa_table *table)
{
    if (!table)
        return NULL;
    for (size_t i = 0; i < table->n; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
    return NULL;
}

/* Takes `text` over; NULL: out of memory. */
static void add_cell(struct vfa_table *table, enum vfa_table_colour colour, char *text)
{
    if (text && table->n == table->room) {
        size_t room = table->room ? table->room * 2 : 64;
        struct cell *cells = reallocarray(table->cells, room, sizeof(*cells));

        if (cells) {
            table->cells = cells;
            table->room = room;
        }
    }
    if (!text || table->n == table->room) {
        table->oom = true;
        free(text);
        return;
    }
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    table->cells[table->n++] = (struct cell){text, width_of(text), colour};
}

void vfa_table_cell(struct vfa_table *table, enum vfa_table_colour colour, const char *text)
{
    add_cell(table, colour, strdup(text && *text ? text : "-"));
}

void vfa_table_cellf(struct vfa_table *table, enum vfa_table_colour colour, const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    add_cell(table, colour, text);
}

void vfa_table_cell_number(struct vfa_table *table, long number)
{
    if (number < 0)
        vfa_table_cell(table, VFA_TABLE_PLAIN, NULL);
    else
        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%ld", number);
}

void vfa_table_cell_time(struct vfa_table *table, int64_t seconds)
{
    char text[40];

    vfa_table_cell(table, VFA_TABLE_PLAIN, vfa_cmd_time(seconds, false, text, sizeof(text)));
}

static size_t column_width(const struct vfa_table *table, size_t column)
{
    size_t width = width_of(table->headers[column]);

    for (size_t i = column; i < table->n; i += table->n_columns) {
        if (table->cells[i].width > width)
            width = table->cells[i].width;
    }
    return width;
}

static void print_cell(const struct cell *cell, size_t pad_to, bool colour)
{
    bool on = colour && cell->colour != VFA_TABLE_PLAIN;

    printf("%s%s%s", on ? colour_on[cell->colour] : "", cell->text, on ? "\033[0m" : "");
    for (size_t i = cell->width; i < pad_to; i++)
        putchar(' ');
}

static void print_row(const struct vfa_table *table, const struct cell *cells, const size_t *widths,
                      bool colour)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        bool last = i + 1 == table->n_columns;

        print_cell(&cells[i], last ? 0 : widths[i], colour);
        fputs(last ? "\n" : "  ", stdout);
    }
}

int vfa_table_print(const struct vfa_table *table)
{
    VFA_AUTO(vfa_freep) size_t *widths = NULL;
    VFA_AUTO(vfa_freep) struct cell *header = NULL;
    bool colour = want_colour();

    if (table && !table->oom) {
        widths = calloc(table->n_columns, sizeof(*widths));
        header = calloc(table->n_columns, sizeof(*header));
    }
    if (!widths || !header)
        return vfa_cmd_fail("cannot print a table: out of memory");
    for (size_t i = 0; i < table->n_columns; i++) {
        widths[i] = column_width(table, i);
        header[i].text = (char *)table->headers[i];
        header[i].width = width_of(table->headers[i]);
        header[i].colour = VFA_TABLE_BOLD;
    }
    print_row(table, header, widths, colour);
    for (size_t i = 0; i + table->n_columns <= table->n; i += table->n_columns)
        print_row(table, table->cells + i, widths, colour);
    return VFA_CMD_FINE;
}
