/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The differences between Python's re, which Nova uses, and PCRE2, which this program uses. Some
 * expressions are invalid in Python ("nothing to repeat", "multiple repeat", "bad escape") but
 * valid in PCRE2; others have different meanings. This file rewrites or refuses both kinds, so that
 * an accepted expression has the same meaning in both.
 *
 * One pass over the text tracks what a quantifier would repeat. The compiler of PCRE2 checks the
 * rest of the syntax. Source: CPython's Lib/re/_parser.py.
 */

#include "base/common.h"
#include "private.h"

#include <errno.h>
#include <string.h>

enum item {
    ITEM_NONE, /* nothing to repeat: at the start, after ( or | */
    ITEM_AT,   /* a position, such as ^ */
    ITEM_ATOM,
    ITEM_REPEAT, /* an atom with a quantifier; it may become lazy or possessive */
    ITEM_CLOSED, /* an atom with a complete quantifier */
};

struct walker {
    const char *p; /* the next character */
    enum item item;
    bool begun; /* something other than a global flag has been read */
    char *out;  /* end of the rewritten expression */
};

static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

/* Copies `n` characters to the output. */
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

/* At a [. In Python a [ inside is literal; Python has no POSIX classes. */
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

/* At "(?#". A comment has no effect, but completes the quantifier in front of it. */
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

/* At "(?" and letters: flags of a group, or global flags, which must be at the start. */
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

/* Returns the length of the quantifier {n}, {n,}, {,m} or {n,m} at p. 0: the brace is literal. */
static size_t braces(const char *p)
{
    size_t low = strspn(p + 1, "0123456789");
    const char *q = p + 1 + low;
    bool comma = *q == ',';

    if (comma)
        q += 1 + strspn(q + 1, "0123456789");
    return *q == '}' && (low || comma) ? (size_t)(q - p) + 1 : 0;
}

/* At a quantifier of `len` characters. Writes {,m} as {0,m}: PCRE2 supports {,m} since 10.43. */
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
