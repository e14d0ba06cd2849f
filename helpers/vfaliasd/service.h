/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's part: it keeps the lock across a restart, and watches the event loop. */
#ifndef VFA_VFALIASD_SERVICE_H
#define VFA_VFALIASD_SERVICE_H

#include "base/error.h"

/* Takes the lock. It is held until *ret_fd and systemd's copy of it are both closed. */
int vfa_daemon_take_lock(const char *state_path, int *ret_fd, struct vfa_error *err);

/* Gives systemd a copy of the descriptor for the next daemon. Call it when this daemon is ready. */
void vfa_daemon_keep_lock(int fd);

/* Feeds systemd's watchdog from the event loop, if systemd has set one. */
void vfa_daemon_feed_watchdog(void);

#endif
