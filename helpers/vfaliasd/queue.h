/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be looked at: keys (domain UUIDs, or VFA_WORK_HOST for the host as a whole) with a set
 * of reasons, and a time before which nobody looks. Knows nothing of domains.
 *
 * Invariants: a key is in the queue once, whatever number of events named it; a key is never given
 * to two workers at a time; what is added for a key while somebody works on it is given out after.
 * Order: by due time. Nothing sleeps here but workers without work. Adding never fails: without
 * memory for a domain's entry the host as a whole is asked for instead (see vfa_queue_new()).
 */
#ifndef VFA_VFALIASD_QUEUE_H
#define VFA_VFALIASD_QUEUE_H

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"

#define VFA_WORK_HOST "" /* the key of what concerns no single domain */

struct vfa_queue;

struct vfa_work {
    char key[VFA_UUID_SIZE];
    unsigned reasons; /* bits that the users of the queue define */
};

/* `fallback`: the reasons to add to VFA_WORK_HOST when a domain cannot be remembered. */
int vfa_queue_new(unsigned fallback, struct vfa_queue **ret, struct vfa_error *err);
struct vfa_queue *vfa_queue_free(struct vfa_queue *queue);

/* Asks for `key` to be looked at, in `delay_ms` at the earliest or when it is due anyway. */
void vfa_queue_add(struct vfa_queue *queue, const char *key, unsigned reasons, unsigned delay_ms);

/* Waits for work. False: vfa_queue_stop() was called. Whatever was taken ends with
 * vfa_queue_done(). */
bool vfa_queue_take(struct vfa_queue *queue, struct vfa_work *ret);
void vfa_queue_done(struct vfa_queue *queue, const struct vfa_work *work);

void vfa_queue_stop(struct vfa_queue *queue); /* takes NULL */

/* Keys that wait or are worked on. */
size_t vfa_queue_length(struct vfa_queue *queue);

#endif
