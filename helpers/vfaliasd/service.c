/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd does for the daemon: it keeps the lock across a restart, and watches the event loop.
 *
 * The lock says that this daemon is there (presence.h). systemd keeps a descriptor of the lock
 * (FileDescriptorStoreMax= of the unit) and hands it to the next daemon, so that no start of a
 * domain is refused meanwhile. It closes that descriptor, and the lock is gone, when the unit is
 * stopped or is not started again.
 *
 * The lock is never undone, as that would undo it for systemd's descriptor, too; it ends when the
 * last one is closed. What is kept, is kept for one that gets ready: until then systemd has none.
 *
 * systemd's watchdog (WatchdogSec= of the unit) is fed by the event loop, so that it bites when
 * that stands still: no event would be seen any more, and another daemon sees them all. Workers may
 * wait for libvirt as long as they like.
 */

#include "service.h"

#include "base/error.h"
#include "state/lock.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <systemd/sd-daemon.h>

#define NAME "FDNAME=presence" /* in systemd's store */

/* ---- the lock ---- */

/* Of what systemd hands over, the descriptor that is the lock's, or -1. Another configuration has
 * another lock file; or somebody has removed it. */
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
