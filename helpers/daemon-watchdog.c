/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's watchdog (WatchdogSec= of the unit) is fed by the event loop, so that it bites when
 * that stands still: no event would be seen any more, and another daemon sees them all. Workers may
 * wait for libvirt as long as they like.
 */
#include <systemd/sd-daemon.h>

#include "daemon.h"

static void on_timer(int timer, void *opaque)
{
    sd_notify(0, "WATCHDOG=1");
}

void vfa_daemon_feed_watchdog(void)
{
    uint64_t limit; /* microseconds */

    if (sd_watchdog_enabled(0, &limit) > 0)
        virEventAddTimeout((int)(limit / 2000), on_timer, NULL, NULL);
}
