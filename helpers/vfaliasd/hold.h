/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The holders: they suspend guests that are to wait for their devices, and resume them. */
#ifndef VFA_VFALIASD_HOLD_H
#define VFA_VFALIASD_HOLD_H

void *vfa_daemon_holder(void *daemon); /* a thread's body */

#endif
