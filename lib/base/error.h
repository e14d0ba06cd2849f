/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors are values: a negative errno-like code as return value, and one line of text for the user.
 *
 * A function that can fail takes a `struct vfa_error *err` as its last parameter. It fills *err
 * exactly once on failure and leaves it untouched on success. `err` may be NULL: the text is
 * dropped. A message reads "cannot VERB 'OBJECT': REASON", without newline and program name.
 */
#ifndef VFA_BASE_ERROR_H
#define VFA_BASE_ERROR_H

#include "common.h"

struct vfa_error {
    int code;  /* positive errno value; 0: no error */
    char *msg; /* owned; NULL if its allocation failed, see vfa_error_text() */
};

#define VFA_ERROR_INIT                                                                             \
    {                                                                                              \
        0, NULL                                                                                    \
    }

/* Fills *err and returns -code, for `return vfa_fail(err, EINVAL, ...)`. */
int vfa_fail(struct vfa_error *err, int code, const char *fmt, ...) VFA_PRINTF(3, 4);

/* A refusal is not an error: it is the first positive result code of each function that can refuse.
 * Their headers name it (VFA_CLAIM_REFUSED, VFA_VF_REFUSED). */
#define VFA_REFUSED 1

/* Fills *err as vfa_fail() does and returns VFA_REFUSED. */
int vfa_refuse(struct vfa_error *err, int code, const char *fmt, ...) VFA_PRINTF(3, 4);

/* Moves the error from *why to *err (may be NULL) and returns its negative code. *why is "no error"
 * then. */
int vfa_error_move(struct vfa_error *err, struct vfa_error *why);

/* Puts "TEXT: " in front of the message in *err and returns its negative code. */
int vfa_wrap(struct vfa_error *err, const char *fmt, ...) VFA_PRINTF(2, 3);

/* Fills *err with "out of memory", without an allocation. Returns -ENOMEM. */
int vfa_fail_oom(struct vfa_error *err);

/* Returns the text of an error, never NULL. Borrowed. */
const char *vfa_error_text(const struct vfa_error *err);

/* Resets *err to "no error". Works with VFA_AUTO. */
void vfa_error_clear(struct vfa_error *err);

#endif
