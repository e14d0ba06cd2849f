/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes and ownership helpers that every file uses. Nothing in here has state.
 *
 * Ownership: a variable that owns something is declared with VFA_AUTO(fn) and handed over with
 * vfa_steal() on the line that returns it.
 */
#ifndef VFA_BASE_COMMON_H
#define VFA_BASE_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VFA_AUTO(fn)       __attribute__((cleanup(fn)))
#define VFA_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define VFA_MUST_CHECK     __attribute__((warn_unused_result))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Gives up ownership: returns the pointer and leaves NULL behind. */
#define vfa_steal(pp)                                                                              \
    __extension__({                                                                                \
        __typeof__(*(pp)) vfa_stolen_ = *(pp);                                                     \
        *(pp) = NULL;                                                                              \
        vfa_stolen_;                                                                               \
    })

/* Defines NAMEp(), the form of a free function that VFA_AUTO wants. */
#define VFA_DEFINE_AUTO(type, name)                                                                \
    static inline void name##p(type **p)                                                           \
    {                                                                                              \
        name(*p);                                                                                  \
    }                                                                                              \
    struct vfa_require_semicolon_

static inline void vfa_freep(void *p)
{
    free(*(void **)p);
}

static inline void vfa_fclosep(FILE **p)
{
    if (*p)
        fclose(*p);
}

static inline void vfa_closep(int *p)
{
    if (*p >= 0)
        close(*p);
}

static inline int vfa_steal_fd(int *p)
{
    int fd = *p;
    *p = -1;
    return fd;
}

#endif
