/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monotonic clock in milliseconds, for deadlines and pauses. */
#ifndef VFA_BASE_CLOCK_H
#define VFA_BASE_CLOCK_H

#include "common.h"

#include <stdint.h>
#include <time.h>

static inline int64_t vfa_clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Converts for pthread_cond_clockwait(), or for pthread_cond_timedwait() on a condition variable
 * with CLOCK_MONOTONIC. */
static inline struct timespec vfa_clock_timespec(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

#endif
