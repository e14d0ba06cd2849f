/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains that wait for a device to get free: for an optional request with late="yes", or for a
 * placeholder in their definition. Kept in memory only: a daemon that starts looks at every domain,
 * and those that find nothing wait again.
 *
 * A domain is put here before it looks for a device: what gets free while it looks is then seen by
 * whoever takes it out. (Or after, if the counter is looked at once more then.)
 */
#ifndef VFA_DAEMON_LATE_H
#define VFA_DAEMON_LATE_H

#include "domxml.h"

struct vfa_late;

/* NULL: no memory. */
struct vfa_late *vfa_late_new(void);
struct vfa_late *vfa_late_free(struct vfa_late *late);

/* Each domain is there once. False: no memory. */
bool vfa_late_add(struct vfa_late *late, const char *uuid);

bool vfa_late_is_empty(struct vfa_late *late);

/* The counter of what got free (state.h): false if it is the one of last time. */
bool vfa_late_is_news(struct vfa_late *late, int64_t freed);

/* Takes out the domain that waits longest; false: nobody waits. */
bool vfa_late_take(struct vfa_late *late, char uuid[VFA_UUID_SIZE]);

#endif
