/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers: threads that do the work of the queue. */
#ifndef VFA_VFALIASD_WORKER_H
#define VFA_VFALIASD_WORKER_H

void *vfa_daemon_worker(void *daemon); /* a thread's body */

#endif
