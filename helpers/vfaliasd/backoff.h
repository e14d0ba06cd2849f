/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pacing: when something that failed may be tried again. Events come when they like; without this,
 * a few of them would use up all attempts at once. Kept in memory only: a restart may try at once,
 * as the number of attempts is kept in the claim.
 */
#ifndef VFA_VFALIASD_BACKOFF_H
#define VFA_VFALIASD_BACKOFF_H

struct vfa_backoff;

/* NULL: no memory. */
struct vfa_backoff *vfa_backoff_new(void);
struct vfa_backoff *vfa_backoff_free(struct vfa_backoff *backoff);

/* Milliseconds until `key` may be tried; 0: now. */
unsigned vfa_backoff_remaining(struct vfa_backoff *backoff, const char *key);

void vfa_backoff_set(struct vfa_backoff *backoff, const char *key, unsigned ms);

/* The same with back-off: for `first` ms, then for twice as long as the last time, until it is
 * forgotten, and never for longer than `max`. Returns for how long. */
unsigned vfa_backoff_grow(struct vfa_backoff *backoff, const char *key, unsigned first,
                          unsigned max);

/* Every key that starts with `prefix` may be tried now. */
void vfa_backoff_forget(struct vfa_backoff *backoff, const char *prefix);

#endif
