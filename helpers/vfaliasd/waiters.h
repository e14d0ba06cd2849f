/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains that wait for a device to get free: for an optional request with late="yes", or for a
 * placeholder in their definition. Kept in memory only: a daemon that starts looks at every domain,
 * and those that find nothing wait again.
 *
 * A domain is put here before it looks for a device: what gets free while it looks is then seen by
 * whoever takes it out. (Or after, if the counter is looked at once more then.)
 */
#ifndef VFA_VFALIASD_WAITERS_H
#define VFA_VFALIASD_WAITERS_H

#include "base/common.h"
#include "base/uuid.h"

struct vfa_waiters;

/* NULL: no memory. */
struct vfa_waiters *vfa_waiters_new(void);
struct vfa_waiters *vfa_waiters_free(struct vfa_waiters *waiters);

/* Each domain is there once. False: no memory. */
bool vfa_waiters_add(struct vfa_waiters *waiters, const char *uuid);

bool vfa_waiters_is_empty(struct vfa_waiters *waiters);

/* The counter of what got free (state.h): false if it is the one of last time. */
bool vfa_waiters_counter_changed(struct vfa_waiters *waiters, int64_t freed);

/* Takes out the domain that waits longest; false: nobody waits. For those of whom all are to look.
 */
bool vfa_waiters_take(struct vfa_waiters *waiters, char uuid[VFA_UUID_SIZE]);

/* ---- one look for each device ----
 *
 * Who is woken keeps its place. It says so when it got a device; if it did not, the next one is
 * woken in its place, until all were once: what got free may not be what the first one waits for.
 */

/* As vfa_waiters_counter_changed(), for the next looks: as many as the counter has grown by. all: as many as
 * wait, since more may have got free than was counted. */
bool vfa_waiters_freed(struct vfa_waiters *waiters, int64_t freed, bool all);

/* The next domain that is to look; false: there is none. */
bool vfa_waiters_wake(struct vfa_waiters *waiters, char uuid[VFA_UUID_SIZE]);

/* It got a device that it waited for. */
void vfa_waiters_serve(struct vfa_waiters *waiters, const char *uuid);

/* A look at it has ended. True: it was woken and got nothing, so that another is to be woken. */
bool vfa_waiters_end(struct vfa_waiters *waiters, const char *uuid);

#endif
