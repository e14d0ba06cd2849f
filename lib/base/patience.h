/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for what passes soon, in short pauses, up to a deadline. The clock is the monotonic one.
 */
#ifndef VFA_BASE_PATIENCE_H
#define VFA_BASE_PATIENCE_H

#include "common.h"

struct vfa_patience {
    int64_t deadline; /* ms of the clock; 0: no waiting */
    unsigned pause_ms;
};

/* So many ms from now. */
struct vfa_patience vfa_patience_begin(unsigned ms);

/* Waits a little, longer each time. False, without waiting, when there is no time left. */
bool vfa_patience_wait(struct vfa_patience *patience);

#endif
