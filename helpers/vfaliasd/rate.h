/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How often something is done that others ask for as often as they like: VFA_RATE_BURST times at
 * once, then once in VFA_RATE_MS. What is asked for meanwhile is done with the next turn.
 */
#ifndef VFA_VFALIASD_RATE_H
#define VFA_VFALIASD_RATE_H

#include "base/common.h"

#define VFA_RATE_MS    1000
#define VFA_RATE_BURST 2  /* `vfalias request` writes a definition and the live XML */
#define VFA_RATE_STORM 20 /* askings for one turn that are worth a word */

struct vfa_rate;

/* NULL: no memory. */
struct vfa_rate *vfa_rate_new(void);
struct vfa_rate *vfa_rate_free(struct vfa_rate *rate);

/* Returns in how many milliseconds after now_ms (of CLOCK_MONOTONIC) the turn of `key` is; 0: now.
 * *ret_storm: this is the asking for that turn that makes it VFA_RATE_STORM. */
unsigned vfa_rate_ask(struct vfa_rate *rate, const char *key, int64_t now_ms, bool *ret_storm);

/* Keys that are remembered. */
size_t vfa_rate_length(struct vfa_rate *rate);

#endif
