/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Back-off: when something that failed may be tried again. Without it, a few events in a row would
 * use up all attempts. Kept in memory only: a new daemon may try at once, since the claim has the
 * number of attempts.
 */
#ifndef VFA_VFALIASD_BACKOFF_H
#define VFA_VFALIASD_BACKOFF_H

struct vfa_backoff;

/* NULL: no memory. */
struct vfa_backoff *vfa_backoff_new(void);
struct vfa_backoff *vfa_backoff_free(struct vfa_backoff *backoff);

/* Milliseconds until `key` may be tried; 0: now. */
unsigned vfa_backoff_remaining(struct vfa_backoff *backoff, const char *key);

/* `key` may be tried in `ms`. */
void vfa_backoff_set(struct vfa_backoff *backoff, const char *key, unsigned ms);

/* The same with a growing delay: `first` ms, then twice the last delay, up to `max`, until `key` is
 * forgotten. Returns the delay. */
unsigned vfa_backoff_grow(struct vfa_backoff *backoff, const char *key, unsigned first,
                          unsigned max);

/* Every key that starts with `prefix` may be tried now. */
void vfa_backoff_forget(struct vfa_backoff *backoff, const char *prefix);

#endif
