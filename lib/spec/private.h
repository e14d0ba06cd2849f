/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What spec*.c share: one field of an address pattern, as glob or as regular expression.
 */
#ifndef VFA_SPEC_PRIVATE_H
#define VFA_SPEC_PRIVATE_H

#include "base/common.h"
#include "base/error.h"

/* A regular expression over one field of an address, with Python's meaning of it (re.match:
 * anchored at the start only, case-sensitive). */
struct vfa_regex;

/* -EINVAL with the reason, in which `field` names what the expression is for. */
int vfa_regex_compile(const char *field, const char *text, struct vfa_regex **ret,
                      struct vfa_error *err);
struct vfa_regex *vfa_regex_free(struct vfa_regex *regex);

/* An expression that takes too long to try, or more memory than there is, does not match. */
bool vfa_regex_matches(const struct vfa_regex *regex, const char *text);

/* The expression as PCRE2 has to get it to mean what it means to Python's re. free() *ret. -EINVAL
 * where Python refuses it, or it cannot be said in PCRE2: *ret_reason (static text, else NULL) says
 * why. */
int vfa_regex_from_python(const char *text, char **ret, const char **ret_reason);

#endif
