/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors are values: a negative errno-like code as return value, and one line of text for a person.
 *
 * A function that can fail takes a `struct vfa_error *err` as its last parameter, leaves it
 * untouched on success and fills it exactly once on failure. NULL means that nobody wants the text.
 * Messages read "cannot VERB 'OBJECT': REASON", have no newline and no program name.
 */
#ifndef VFA_BASE_ERROR_H
#define VFA_BASE_ERROR_H

#include "common.h"

struct vfa_error {
    int code;  /* positive errno value, 0 while there is no error */
    char *msg; /* owned; NULL when even that allocation failed, see vfa_error_text() */
};

#define VFA_ERROR_INIT                                                                             \
    {                                                                                              \
        0, NULL                                                                                    \
    }

/* Fills *err and returns -code, so that `return vfa_fail(err, EINVAL, ...)` reads well. */
int vfa_fail(struct vfa_error *err, int code, const char *fmt, ...) VFA_PRINTF(3, 4);

/* A refusal is no error: the first of the positive result codes of the functions that refuse. They
 * give it a name of their own (VFA_CLAIM_REFUSED, VFA_VF_REFUSED). */
#define VFA_REFUSED 1

/* Fills *err with the line for the user, as vfa_fail() does, and returns VFA_REFUSED. */
int vfa_refuse(struct vfa_error *err, int code, const char *fmt, ...) VFA_PRINTF(3, 4);

/* Hands what *why says over to *err (NULL: nobody wants it) and returns its negative code. *why is
 * "no error" then. */
int vfa_error_move(struct vfa_error *err, struct vfa_error *why);

/* Puts "TEXT: " in front of what *err says already and returns its negative code. */
int vfa_wrap(struct vfa_error *err, const char *fmt, ...) VFA_PRINTF(2, 3);

/* Out of memory: needs no allocation itself. Returns -ENOMEM. */
int vfa_fail_oom(struct vfa_error *err);

/* The text of an error, never NULL. Borrowed. */
const char *vfa_error_text(const struct vfa_error *err);

/* Back to "no error"; fits VFA_AUTO. */
void vfa_error_clear(struct vfa_error *err);

#endif
