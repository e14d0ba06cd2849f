/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes and ownership helpers for every file. Nothing in this header has state.
 *
 * Ownership: VFA_AUTO(fn) declares a variable that owns an object. vfa_steal() hands the object
 * over, on the line that returns it.
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

/* Gives up ownership: returns the pointer and sets the variable to NULL. */
#define vfa_steal(pp)                                                                              \
    __extension__({                                                                                \
        __typeof__(*(pp)) vfa_stolen_ = *(pp);                                                     \
        *(pp) = NULL;                                                                              \
        vfa_stolen_;                                                                               \
    })

/* Defines NAMEp(), which takes the address of the pointer, as VFA_AUTO requires. */
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
