/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rate limit: of any number of requests for a key, VFA_RATE_BURST turns are given at once, then
 * one turn in VFA_RATE_MS. All requests between two turns share the next turn.
 */
#ifndef VFA_VFALIASD_RATE_H
#define VFA_VFALIASD_RATE_H

#include "base/common.h"

#define VFA_RATE_MS    1000
#define VFA_RATE_BURST 2  /* `vfalias request` writes a definition and the live XML */
#define VFA_RATE_STORM 20 /* requests for one turn that are worth a message */

struct vfa_rate;

/* NULL: no memory. */
struct vfa_rate *vfa_rate_new(void);
struct vfa_rate *vfa_rate_free(struct vfa_rate *rate);

/* Returns the milliseconds from now_ms (CLOCK_MONOTONIC) to the turn of `key`; 0: now. *ret_storm:
 * this is request number VFA_RATE_STORM for that turn. */
unsigned vfa_rate_ask(struct vfa_rate *rate, const char *key, int64_t now_ms, bool *ret_storm);

/* The number of keys in memory. */
size_t vfa_rate_length(struct vfa_rate *rate);

#endif
