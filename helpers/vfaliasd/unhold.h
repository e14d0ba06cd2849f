/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of the daemon, for guests that wait for their devices. */
#ifndef VFA_VFALIASD_UNHOLD_H
#define VFA_VFALIASD_UNHOLD_H

#include "base/common.h"
#include "daemon.h"

/* Resumes every guest that waits, several at a time, as nobody will see to it any more. For the end
 * of the daemon. holders_ended: no guest will be suspended any more. Goes on until `until`
 * (milliseconds of CLOCK_MONOTONIC) where libvirt is busy with a guest. False: threads are left
 * behind that wait for it. */
bool vfa_unhold_all(struct vfa_daemon *daemon, bool holders_ended, int64_t until);

/* True if a guest waits, as far as that can be told. */
bool vfa_unhold_needed(struct vfa_daemon *daemon);

#endif
