/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's part: it keeps the lock across a restart, and watches the event loop.
 *
 * The lock shows that this daemon runs (state/lock.h). systemd keeps a copy of its descriptor
 * (FileDescriptorStoreMax= of the unit) and hands it to the next daemon, so that no start of a
 * domain is refused during a restart. When the unit is stopped, or is not started again, systemd
 * closes its copy, and the lock ends.
 *
 * The lock is never released explicitly: that would release it for systemd's copy too. It ends when
 * the last descriptor is closed. systemd gets a copy only of a daemon that is ready.
 *
 * The event loop feeds systemd's watchdog (WatchdogSec= of the unit). If the loop hangs, no event
 * is seen any more: then systemd restarts the daemon. Workers may wait for libvirt for any time.
 */

#include "service.h"

#include "base/error.h"
#include "state/lock.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <systemd/sd-daemon.h>

#define NAME "FDNAME=presence" /* in systemd's store */

/* ---- the lock ---- */

/* The descriptor of the lock among those that systemd hands over, or -1: the configuration may name
 * another state file now, or the lock file was removed. */
static int adopt_lock(const char *state_path)
{
    int n = sd_listen_fds(1);
    int found = -1;

    if (n > 0)
        sd_notify(0, "FDSTOREREMOVE=1\n" NAME);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
        if (found < 0 && vfa_lock_adopt(state_path, fd))
            found = fd;
        else
            close(fd);
    }
    return found;
}

int vfa_daemon_take_lock(const char *state_path, int *ret_fd, struct vfa_error *err)
{
    int fd = adopt_lock(state_path);
    int r = fd < 0 ? vfa_lock_acquire(state_path, &fd, err) : 0;

    if (r == VFA_LOCK_TAKEN)
        return vfa_fail(err, EEXIST, "another vfaliasd runs with state '%s'", state_path);
    if (r == 0)
        *ret_fd = fd;
    return r;
}

void vfa_daemon_keep_lock(int fd)
{
    sd_pid_notify_with_fds(0, 0, "FDSTORE=1\n" NAME, &fd, 1);
}

/* ---- the watchdog ---- */

static void on_watchdog_timer(int timer, void *opaque)
{
    sd_notify(0, "WATCHDOG=1");
}

void vfa_daemon_feed_watchdog(void)
{
    uint64_t limit; /* microseconds */

    if (sd_watchdog_enabled(0, &limit) > 0)
        virEventAddTimeout((int)(limit / 2000), on_watchdog_timer, NULL, NULL);
}
