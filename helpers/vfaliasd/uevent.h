/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source of work in the event loop: hardware that comes and goes. */
#ifndef VFA_VFALIASD_UEVENT_H
#define VFA_VFALIASD_UEVENT_H

#include "daemon.h"

void vfa_daemon_watch_uevents(struct vfa_daemon *daemon);

#endif
