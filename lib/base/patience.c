/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See patience.h. */

#include "patience.h"

#include "clock.h"

#include <time.h>

#define FIRST_PAUSE_MS 10
#define LAST_PAUSE_MS  100

struct vfa_patience vfa_patience_begin(unsigned ms)
{
    return (struct vfa_patience){.deadline = vfa_clock_ms() + ms, .pause_ms = FIRST_PAUSE_MS};
}

bool vfa_patience_wait(struct vfa_patience *patience)
{
    const struct timespec pause = {.tv_nsec = (long)patience->pause_ms * 1000000};

    if (patience->deadline == 0 || vfa_clock_ms() + patience->pause_ms > patience->deadline)
        return false;
    nanosleep(&pause, NULL);
    patience->pause_ms *= 2;
    if (patience->pause_ms > LAST_PAUSE_MS)
        patience->pause_ms = LAST_PAUSE_MS;
    return true;
}
