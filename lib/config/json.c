/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON values: strict, as Python's json reads them for Nova.
 *
 * json-c is too lenient (NaN, words in upper case, control characters) and differs between its
 * versions. So this file first checks the text against the grammar of RFC 8259, which also gives
 * the place of a mistake. In addition it refuses \u0000 and halves of surrogate pairs, which a C
 * string cannot hold, and deep nesting.
 *
 * Invariant: json-c gets only valid text; if it fails, memory is short.
 */

#include "json.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "spec/spec.h"
#include "report.h"

#include <errno.h>
#include <string.h>

#define MAX_DEPTH 16

struct scan {
    const char *p;      /* the next character; on failure: the place of the mistake */
    const char *reason; /* static text; NULL: no mistake so far */
    int depth;
};

static bool fail_scan(struct scan *scan, const char *reason)
{
    scan->reason = reason;
    return false;
}

static void skip_blanks(struct scan *scan)
{
    scan->p += strspn(scan->p, " \t\n\r");
}

static bool scan_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(scan->p, word, len) != 0)
        return fail_scan(scan, "a value is expected: a string needs double quotes");
    scan->p += len;
    return true;
}

static bool scan_digits(struct scan *scan)
{
    size_t n = strspn(scan->p, "0123456789");

    scan->p += n;
    return n > 0 || fail_scan(scan, "a digit is expected");
}

static bool scan_number(struct scan *scan)
{
    if (*scan->p == '-')
        scan->p++;
    if (*scan->p == '0')
        scan->p++;
    else if (!scan_digits(scan))
        return false;
    if (*scan->p == '.') {
        scan->p++;
        if (!scan_digits(scan))
            return false;
    }
    if (*scan->p == 'e' || *scan->p == 'E') {
        scan->p++;
        if (*scan->p == '+' || *scan->p == '-')
            scan->p++;
        return scan_digits(scan);
    }
    return true;
}

/* Reads the four digits behind \u. */
static bool scan_unit(struct scan *scan, uint32_t *ret)
{
    char digits[5] = "";

    if (strspn(scan->p, "0123456789abcdefABCDEF") < 4)
        return fail_scan(scan, "four hexadecimal digits are expected behind \\u");
    memcpy(digits, scan->p, 4);
    scan->p += 4;
    return vfa_parse_hex(digits, 0xffff, ret) == 0;
}

/* Reads the character or surrogate pair behind \u. */
static bool scan_unicode(struct scan *scan)
{
    uint32_t unit, low = 0;

    if (!scan_unit(scan, &unit))
        return false;
    if (unit == 0)
        return fail_scan(scan, "\\u0000 is not allowed");
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    if (unit < 0xdc00 && scan->p[0] == '\\' && scan->p[1] == 'u') {
        scan->p += 2;
        if (!scan_unit(scan, &low))
            return false;
    }
    return (low >= 0xdc00 && low <= 0xdfff) || fail_scan(scan, "half a surrogate pair");
}

static bool scan_escape(struct scan *scan)
{
    char c = *++scan->p;

    if (!c || !strchr("\"\\/bfnrtu", c))
        return fail_scan(scan, "an unknown escape in a string");
    scan->p++;
    return c != 'u' || scan_unicode(scan);
}

static bool scan_string(struct scan *scan)
{
    if (*scan->p != '"')
        return fail_scan(scan, "a key in double quotes is expected");
    for (scan->p++; *scan->p != '"';) {
        size_t n = vfa_utf8_len(scan->p);

        if ((unsigned char)*scan->p < 0x20)
            return fail_scan(scan, *scan->p ? "a control character in a string"
                                            : "a string is not closed");
        if (n == 0)
            return fail_scan(scan, "a byte that is not UTF-8");
        if (*scan->p != '\\')
            scan->p += n;
        else if (!scan_escape(scan))
            return false;
    }
    scan->p++;
    return true;
}

static bool scan_value(struct scan *scan);

static bool scan_member(struct scan *scan)
{
    skip_blanks(scan);
    if (!scan_string(scan))
        return false;
    skip_blanks(scan);
    if (*scan->p != ':')
        return fail_scan(scan, "a ':' is expected");
    scan->p++;
    return scan_value(scan);
}

/* Reads an object or array, from its opening bracket. */
static bool scan_list(struct scan *scan, bool (*item)(struct scan *scan), char close)
{
    scan->p++;
    skip_blanks(scan);
    if (*scan->p == close) {
        scan->p++;
        return true;
    }
    while (item(scan)) {
        char c = *scan->p;

        if (c != ',' && c != close)
            return fail_scan(scan, close == '}' ? "a ',' or '}' is expected"
                                                : "a ',' or ']' is expected");
        scan->p++;
        if (c == close)
            return true;
    }
    return false;
}

/* Reads a value and the blanks around it. */
static bool scan_value(struct scan *scan)
{
    bool ok;

    if (++scan->depth > MAX_DEPTH)
        return fail_scan(scan, "this is nested too deeply");
    skip_blanks(scan);
    if (*scan->p == '{')
        ok = scan_list(scan, scan_member, '}');
    else if (*scan->p == '[')
        ok = scan_list(scan, scan_value, ']');
    else if (*scan->p == '"')
        ok = scan_string(scan);
    else if (*scan->p && strchr("-0123456789", *scan->p))
        ok = scan_number(scan);
    else
        ok = scan_word(scan, *scan->p == 't' ? "true" : *scan->p == 'f' ? "false" : "null");
    skip_blanks(scan);
    scan->depth--;
    return ok;
}

static int check_grammar(const char *text, const struct vfa_where *where, struct vfa_error *err)
{
    struct scan scan = {text, NULL, 0};
    struct vfa_where at = *where;

    if (!text[strspn(text, " \t\n\r")])
        return vfa_config_fail(where, err, "cannot read JSON: the value is empty");
    if (scan_value(&scan) && *scan.p)
        fail_scan(&scan, "there is more text behind the value");
    if (!scan.reason)
        return 0;
    for (const char *p = text; p < scan.p; p++)
        at.line += *p == '\n';
    return vfa_config_fail(&at, err, "cannot read JSON at '%.20s': %s", scan.p, scan.reason);
}

int vfa_json_parse(const char *text, const struct vfa_where *where, struct json_object **ret,
                   struct vfa_error *err)
{
    struct json_tokener *tokener;
    struct json_object *value;
    enum json_tokener_error error;
    int r = check_grammar(text, where, err);

    if (r < 0)
        return r;
    tokener = json_tokener_new_ex(MAX_DEPTH + 1);
    if (!tokener)
        return vfa_fail_oom(err);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    /* Passes the NUL too: without it json-c would wait for more digits of a number. */
    value = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
    error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success)
        return vfa_fail_oom(err);
    *ret = value;
    return 0;
}

const char *vfa_json_text(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    return json_object_to_json_string_ext(value,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
