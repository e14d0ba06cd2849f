/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits for a temporary condition to end: short pauses, up to a deadline of the monotonic clock. */
#ifndef VFA_BASE_PATIENCE_H
#define VFA_BASE_PATIENCE_H

#include "common.h"

struct vfa_patience {
    int64_t deadline; /* ms of the monotonic clock; 0: never wait */
    unsigned pause_ms;
};

/* Sets the deadline to `ms` from now. */
struct vfa_patience vfa_patience_begin(unsigned ms);

/* Pauses, longer at each call. Returns false at once if the pause would pass the deadline. */
bool vfa_patience_wait(struct vfa_patience *patience);

#endif
