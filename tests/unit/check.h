/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CHECK() counts checks and failures; main() returns check_result(). */
#ifndef VFA_CHECK_H
#define VFA_CHECK_H

#include "base/common.h"
#include "base/error.h"

#include <string.h>

static int check_failed, check_done;

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        check_done++;                                                                              \
        if (!(cond)) {                                                                             \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: not so: %s", __FILE__, __LINE__, #cond);                       \
            fprintf(stderr, "  [" __VA_ARGS__);                                                    \
            fprintf(stderr, "]\n");                                                                \
        }                                                                                          \
    } while (0)

static inline bool check_has(const struct vfa_error *err, const char *part)
{
    return err->code && strstr(vfa_error_text(err), part) != NULL;
}

/* Returns the exit status of a test program. A test without a check has failed. */
static inline int check_result(void)
{
    printf("%d checks, %d failed\n", check_done, check_failed);
    return check_failed || !check_done ? 1 : 0;
}

#endif
