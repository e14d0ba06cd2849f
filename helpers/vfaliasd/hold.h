/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The holders: threads that suspend guests until their devices are attached, and resume them. */
#ifndef VFA_VFALIASD_HOLD_H
#define VFA_VFALIASD_HOLD_H

void *vfa_daemon_holder(void *daemon); /* a thread's body */

#endif
