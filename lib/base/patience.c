/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See patience.h. */

#include "patience.h"

#include <time.h>

#define FIRST_PAUSE_MS 10
#define LAST_PAUSE_MS  100

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct vfa_patience vfa_patience_begin(unsigned ms)
{
    return (struct vfa_patience){.deadline = now_ms() + ms, .pause_ms = FIRST_PAUSE_MS};
}

bool vfa_patience_wait(struct vfa_patience *patience)
{
    const struct timespec pause = {.tv_nsec = (long)patience->pause_ms * 1000000};

    if (patience->deadline == 0 || now_ms() + patience->pause_ms > patience->deadline)
        return false;
    nanosleep(&pause, NULL);
    patience->pause_ms *= 2;
    if (patience->pause_ms > LAST_PAUSE_MS)
        patience->pause_ms = LAST_PAUSE_MS;
    return true;
}
