/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* At the end of the daemon: resumes the guests that wait for their devices. */
#ifndef VFA_VFALIASD_UNHOLD_H
#define VFA_VFALIASD_UNHOLD_H

#include "base/common.h"
#include "daemon.h"

/* Resumes all suspended guests, several at a time: after the end of the daemon no holder does it.
 * holders_ended: no guest will be suspended any more. While libvirt is busy with a guest, tries
 * again until `until` (milliseconds of CLOCK_MONOTONIC). False: threads are left that wait for
 * libvirt. */
bool vfa_unhold_all(struct vfa_daemon *daemon, bool holders_ended, int64_t until);

/* True if a guest is suspended, as far as memory and state tell. */
bool vfa_unhold_needed(struct vfa_daemon *daemon);

#endif
