/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source of work in the event loop: the folder of the state file. */
#ifndef VFA_VFALIASD_WATCH_H
#define VFA_VFALIASD_WATCH_H

#include "base/error.h"
#include "daemon.h"

/* Queues work when a program writes to the folder, until the end of the process. */
int vfa_daemon_watch_state(struct vfa_daemon *daemon, const char *state_path,
                           struct vfa_error *err);

#endif
