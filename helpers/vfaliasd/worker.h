/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers: what the queue says is done here, or handed to the file that knows how. */
#ifndef VFA_VFALIASD_WORKER_H
#define VFA_VFALIASD_WORKER_H

void *vfa_daemon_worker(void *daemon); /* a thread's body */

#endif
