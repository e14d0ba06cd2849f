/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regular expressions over the fields of an address: PCRE2, with the meaning of Python's
 * re.match().
 *
 * Invariants: an expression is compiled once. Limits keep the time and memory small for compiling
 * and matching a hostile expression. Several threads may match at once. If memory is short, nothing
 * matches. This file does not know addresses: it matches a few characters of text.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "spec.h"

#include <errno.h>
#include <pcre2.h>
#include <string.h>

#define MAX_LENGTH      1024  /* of an expression; real ones have about ten characters */
#define MAX_NESTING     32    /* of its groups */
#define MAX_STEPS       10000 /* of one match; real ones need about ten */
#define MAX_DEPTH       500
#define MAX_HEAP_KIB    256
#define ERROR_TEXT_SIZE 128

struct vfa_regex {
    pcre2_code *code;
    pcre2_match_context *context;
};

struct vfa_regex *vfa_regex_free(struct vfa_regex *regex)
{
    if (!regex)
        return NULL;
    pcre2_match_context_free(regex->context);
    pcre2_code_free(regex->code);
    free(regex);
    return NULL;
}

VFA_DEFINE_AUTO(struct vfa_regex, vfa_regex_free);

/* NULL: *ret_number is PCRE2's error number, or 0 if there is no memory for the context. */
static pcre2_code *compile(const char *text, int *ret_number)
{
    const uint32_t options = PCRE2_ANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code = NULL;
    PCRE2_SIZE offset;

    *ret_number = 0;
    if (!context)
        return NULL;
    pcre2_set_max_pattern_length(context, MAX_LENGTH);
    pcre2_set_parens_nest_limit(context, MAX_NESTING);
    code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, ret_number, &offset,
                         context);
    pcre2_compile_context_free(context);
    return code;
}

static int fail_expression(const char *field, const char *text, const char *reason,
                           struct vfa_error *err)
{
    return vfa_fail(err, EINVAL, "cannot use regular expression '%.200s' for %s: %s", text, field,
                    reason);
}

static int fail_pcre2(const char *field, const char *text, int number, struct vfa_error *err)
{
    PCRE2_UCHAR reason[ERROR_TEXT_SIZE] = "not a regular expression";

    if (number == 0 || number == PCRE2_ERROR_HEAP_FAILED)
        return vfa_fail_oom(err);
    pcre2_get_error_message(number, reason, sizeof(reason));
    return fail_expression(field, text, (const char *)reason, err);
}

static int set_limits(struct vfa_regex *regex, struct vfa_error *err)
{
    regex->context = pcre2_match_context_create(NULL);
    if (!regex->context)
        return vfa_fail_oom(err);
    pcre2_set_match_limit(regex->context, MAX_STEPS);
    pcre2_set_depth_limit(regex->context, MAX_DEPTH);
    pcre2_set_heap_limit(regex->context, MAX_HEAP_KIB);
    return 0;
}

int vfa_regex_compile(const char *field, const char *text, struct vfa_regex **ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_regex_freep) struct vfa_regex *regex = NULL;
    VFA_AUTO(vfa_freep) char *pattern = NULL;
    const char *reason;
    int number, r = vfa_regex_from_python(text, &pattern, &reason);

    if (r < 0)
        return reason ? fail_expression(field, text, reason, err) : vfa_fail_oom(err);
    regex = calloc(1, sizeof(*regex));
    if (!regex)
        return vfa_fail_oom(err);
    regex->code = compile(pattern, &number);
    r = regex->code ? set_limits(regex, err) : fail_pcre2(field, text, number, err);
    if (r == 0)
        *ret = vfa_steal(&regex);
    return r;
}

bool vfa_regex_matches(const struct vfa_regex *regex, const char *text)
{
    /* Each call has its own match data, because threads share the configuration. */
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int r;

    if (!data)
        return false;
    r = pcre2_match(regex->code, (PCRE2_SPTR)text, strlen(text), 0, PCRE2_NO_UTF_CHECK, data,
                    regex->context);
    pcre2_match_data_free(data);
    return r >= 0; /* 0: it matches, but has more groups than fit into the match data */
}
