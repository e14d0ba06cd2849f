/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd does for the daemon: it keeps the lock across a restart and watches the event loop.
 */
#ifndef VFA_VFALIASD_SERVICE_H
#define VFA_VFALIASD_SERVICE_H

#include "base/error.h"

/* The lock is held until *ret_fd is closed, and until systemd closes what it keeps of it. */
int vfa_daemon_take_lock(const char *state_path, int *ret_fd, struct vfa_error *err);

/* Has systemd keep it for the next one. For when this one is ready. */
void vfa_daemon_keep_lock(int fd);

/* Nothing to do unless systemd has asked for it. */
void vfa_daemon_feed_watchdog(void);

#endif
