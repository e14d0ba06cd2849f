/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A wait list: domains that wait until a device becomes free, for an optional request with
 * late="yes", or for a placeholder in their definition. Kept in memory only: a new daemon checks
 * every domain, and domains that find no device wait again.
 *
 * A domain is added before the allocation: so a device that becomes free during the allocation
 * wakes it. (Or after the allocation, if the counter is then read again.)
 */
#ifndef VFA_VFALIASD_WAITERS_H
#define VFA_VFALIASD_WAITERS_H

#include "base/common.h"
#include "base/uuid.h"

struct vfa_waiters;

/* NULL: no memory. */
struct vfa_waiters *vfa_waiters_new(void);
struct vfa_waiters *vfa_waiters_free(struct vfa_waiters *waiters);

/* Adds the domain, unless it is in the list. False: no memory. */
bool vfa_waiters_add(struct vfa_waiters *waiters, const char *uuid);

bool vfa_waiters_is_empty(struct vfa_waiters *waiters);

/* freed: VFA_COUNTER_FREED (state/meta.h). False if it has not changed since the last call. */
bool vfa_waiters_counter_changed(struct vfa_waiters *waiters, int64_t freed);

/* Removes the domain that waits longest; false: the list is empty. For lists whose domains are all
 * requeued at once. */
bool vfa_waiters_take(struct vfa_waiters *waiters, char uuid[VFA_UUID_SIZE]);

/* ---- one pass for each free device ----
 *
 * A domain that is woken keeps its place in the list until its pass ends. If it got no device, the
 * next domain is woken instead, until each was woken once: the free device may not be what the
 * first domain waits for. */

/* As vfa_waiters_counter_changed(). Allows as many domains to be woken as the counter has grown by.
 * all: allows all, since more devices may be free than were counted. */
bool vfa_waiters_freed(struct vfa_waiters *waiters, int64_t freed, bool all);

/* The next domain to wake; false: none. */
bool vfa_waiters_wake(struct vfa_waiters *waiters, char uuid[VFA_UUID_SIZE]);

/* The domain got a device that it waited for. */
void vfa_waiters_serve(struct vfa_waiters *waiters, const char *uuid);

/* A pass over the domain has ended. True: it was woken and got no device, so the caller wakes the
 * next domain. */
bool vfa_waiters_end(struct vfa_waiters *waiters, const char *uuid);

#endif
