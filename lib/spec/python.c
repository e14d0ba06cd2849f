/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The difference between Python's re, which Nova uses, and PCRE2, which this program uses: what
 * Python refuses ("nothing to repeat", "multiple repeat", "bad escape") but PCRE2 takes, and what
 * both take but read differently. Such expressions are refused, so that an accepted one means the
 * same in both.
 *
 * One walk over the text that tracks what a quantifier would repeat. It knows no more of the syntax
 * than that needs: everything else is left to the compiler of PCRE2. Source: CPython's
 * Lib/re/_parser.py.
 */

#include "base/common.h"
#include "private.h"

#include <errno.h>
#include <string.h>

enum item {
    ITEM_NONE, /* nothing a quantifier could repeat: the start, after ( or | */
    ITEM_AT,   /* a position, as ^ */
    ITEM_ATOM,
    ITEM_REPEAT, /* an atom with a quantifier, which may become lazy or possessive */
    ITEM_CLOSED, /* one that cannot */
};

struct walker {
    const char *p; /* what comes next */
    enum item item;
    bool begun; /* something stood here that is not a global flag */
    char *out;  /* where the rewritten expression goes on */
};

static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

/* Takes over `n` characters. */
static void copy_chars(struct walker *walker, size_t n)
{
    walker->out = mempcpy(walker->out, walker->p, n);
    walker->p += n;
}

/* At a backslash. */
static const char *walk_escape(struct walker *walker, bool in_class)
{
    char c = walker->p[1];

    if (!c)
        return "a backslash at the end";
    if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
        !in(c, in_class ? "abdDfnrsStvwWx" : "AabBdDfnrsStvwWxZ"))
        return "an unknown escape";
    walker->item = in(c, "AbBZ") && !in_class ? ITEM_AT : ITEM_ATOM;
    copy_chars(walker, 2);
    return NULL;
}

/* At a [. In Python a second one stands for itself; there are no POSIX classes. */
static const char *walk_class(struct walker *walker)
{
    copy_chars(walker, walker->p[1] == '^' ? 2 : 1);
    for (bool first = true; first || *walker->p != ']'; first = false) {
        const char *reason = NULL;

        if (!*walker->p)
            return "a [ that is not closed";
        if (*walker->p == '[')
            *walker->out++ = '\\';
        if (*walker->p == '\\')
            reason = walk_escape(walker, true);
        else
            copy_chars(walker, 1);
        if (reason)
            return reason;
    }
    walker->item = ITEM_ATOM;
    copy_chars(walker, 1);
    return NULL;
}

/* At "(?#". A comment changes nothing, but that what it follows is complete. */
static const char *walk_comment(struct walker *walker)
{
    const char *close = strchr(walker->p, ')');

    if (!close)
        return "a comment that is not closed";
    if (walker->item == ITEM_REPEAT)
        walker->item = ITEM_CLOSED;
    walker->p = close + 1;
    return NULL;
}

/* At "(?" and letters: flags for a group, or for all if they stand in front of everything. */
static const char *walk_flags(struct walker *walker)
{
    size_t n = strspn(walker->p + 2, "aimsx-");

    if (walker->p[2 + n] == ')' && walker->begun)
        return "flags that are not at the start";
    if (!in(walker->p[2 + n], ":)"))
        return "an unknown extension (?";
    walker->begun = walker->begun || walker->p[2 + n] == ':';
    walker->item = ITEM_NONE;
    copy_chars(walker, n + 3);
    return NULL;
}

/* At a (. */
static const char *walk_open(struct walker *walker)
{
    const char *p = walker->p;

    if (p[1] == '*')
        return "nothing to repeat";
    if (p[1] == '?' && p[2] == '#')
        return walk_comment(walker);
    if (p[1] == '?' && in(p[2], "aimsx-"))
        return walk_flags(walker);
    if (p[1] == '?' && p[2] == '<' && !in(p[3], "=!"))
        return "an unknown extension (?<";
    if (p[1] == '?' && p[2] == 'P' && !in(p[3], "<="))
        return "an unknown extension (?P";
    if (p[1] == '?' && !in(p[2], ":=!>(<P"))
        return "an unknown extension (?";
    walker->item = ITEM_NONE;
    copy_chars(walker, p[1] == '?' ? 2 : 1);
    return NULL;
}

/* The length of the quantifier {n}, {n,}, {,m} or {n,m} at p, 0 if the brace stands for itself. */
static size_t braces(const char *p)
{
    size_t low = strspn(p + 1, "0123456789");
    const char *q = p + 1 + low;
    bool comma = *q == ',';

    if (comma)
        q += 1 + strspn(q + 1, "0123456789");
    return *q == '}' && (low || comma) ? (size_t)(q - p) + 1 : 0;
}

/* At a quantifier of `len` characters. PCRE2 knows {,m} only since 10.43. */
static const char *walk_quantifier(struct walker *walker, size_t len)
{
    if (walker->item == ITEM_NONE || walker->item == ITEM_AT)
        return "nothing to repeat";
    if (walker->item == ITEM_CLOSED || (walker->item == ITEM_REPEAT && !in(*walker->p, "?+")))
        return "multiple repeat";
    walker->item = walker->item == ITEM_REPEAT ? ITEM_CLOSED : ITEM_REPEAT;
    copy_chars(walker, 1);
    if (*walker->p == ',' && len > 1)
        *walker->out++ = '0';
    copy_chars(walker, len - 1);
    return NULL;
}

static const char *walk_item(struct walker *walker)
{
    char c = *walker->p;
    size_t len = c == '{' ? braces(walker->p) : 1;

    if (c == '(')
        return walk_open(walker);
    if (c == '\\')
        return walk_escape(walker, false);
    if (c == '[')
        return walk_class(walker);
    if (in(c, "*+?{") && len)
        return walk_quantifier(walker, len);
    walker->item = c == '|' ? ITEM_NONE : in(c, "^$") ? ITEM_AT : ITEM_ATOM;
    copy_chars(walker, 1);
    return NULL;
}

int vfa_regex_from_python(const char *text, char **ret, const char **ret_reason)
{
    VFA_AUTO(vfa_freep) char *out = malloc(2 * strlen(text) + 1);
    struct walker walker = {.p = text, .item = ITEM_NONE, .out = out};

    *ret_reason = NULL;
    if (!out)
        return -ENOMEM;
    while (*walker.p) {
        bool flags = walker.p[0] == '(' && walker.p[1] == '?' && in(walker.p[2], "aimsx-#");

        *ret_reason = walk_item(&walker);
        if (*ret_reason)
            return -EINVAL;
        walker.begun = walker.begun || !flags;
    }
    *walker.out = '\0';
    *ret = vfa_steal(&out);
    return 0;
}
