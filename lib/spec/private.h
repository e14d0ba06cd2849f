/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regular expressions over one field of an address, for address patterns only.
 */
#ifndef VFA_SPEC_PRIVATE_H
#define VFA_SPEC_PRIVATE_H

#include "base/common.h"
#include "base/error.h"

/* A regular expression with the meaning of Python's re.match(): anchored only at the start,
 * case-sensitive. */
struct vfa_regex;

/* Compiles an expression. `field` is the name of the address field, for the error. Free *ret with
 * vfa_regex_free(). */
int vfa_regex_compile(const char *field, const char *text, struct vfa_regex **ret,
                      struct vfa_error *err);
struct vfa_regex *vfa_regex_free(struct vfa_regex *regex);

/* Whether the expression matches. False also if matching needs too many steps or memory. */
bool vfa_regex_matches(const struct vfa_regex *regex, const char *text);

/* Translates an expression of Python's re to PCRE2. free() *ret. -EINVAL: Python refuses it, or
 * PCRE2 cannot express it; *ret_reason is the reason (static text; NULL in all other cases). */
int vfa_regex_from_python(const char *text, char **ret, const char **ret_reason);

#endif
