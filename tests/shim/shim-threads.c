/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For ThreadSanitizer, which does not know pthread_clockjoin_np(). It reports everything after this
 * call as a race with the thread that has ended. Here the call is pthread_timedjoin_np(), which
 * ThreadSanitizer knows.
 */
#include "shim.h"

#include <time.h>

static int64_t nanoseconds(const struct timespec *at)
{
    return (int64_t)at->tv_sec * 1000000000 + at->tv_nsec;
}

int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock,
                         const struct timespec *until)
{
    struct timespec now, real;
    int64_t at;

    clock_gettime(clock, &now);
    clock_gettime(CLOCK_REALTIME, &real);
    at = nanoseconds(&real) + nanoseconds(until) - nanoseconds(&now);
    real.tv_sec = (time_t)(at / 1000000000);
    real.tv_nsec = (long)(at % 1000000000);
    return pthread_timedjoin_np(thread, ret, &real);
}
