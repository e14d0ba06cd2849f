/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source of work in the event loop: hardware that appears and disappears. */
#ifndef VFA_VFALIASD_UEVENT_H
#define VFA_VFALIASD_UEVENT_H

#include "daemon.h"

/* Logs why if no uevents can be had: that is no error. */
void vfa_daemon_watch_uevents(struct vfa_daemon *daemon);

#endif
