/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A work queue. An entry is a key (a domain's UUID, or VFA_WORK_HOST for the whole host) with a set
 * of reasons and a due time. The queue knows nothing of domains.
 *
 * Invariants: a key is in the queue once, whatever the number of events. No two workers have the
 * same key at a time: reasons that are added meanwhile are given out afterwards. Entries are given
 * out by due time. Only workers without work sleep in it. Adding never fails: without memory for an
 * entry, `fallback` is added to VFA_WORK_HOST instead (see vfa_queue_new()).
 */
#ifndef VFA_VFALIASD_QUEUE_H
#define VFA_VFALIASD_QUEUE_H

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"

#define VFA_WORK_HOST "" /* the key of work for the whole host */

struct vfa_queue;

struct vfa_work {
    char key[VFA_UUID_SIZE];
    unsigned reasons; /* bits that the users of the queue define */
};

/* `fallback`: the reasons to add to VFA_WORK_HOST when there is no memory for an entry. */
int vfa_queue_new(unsigned fallback, struct vfa_queue **ret, struct vfa_error *err);
struct vfa_queue *vfa_queue_free(struct vfa_queue *queue);

/* Queues `key` with these reasons, due in `delay_ms` or when it is due already, whichever is
 * earlier. */
void vfa_queue_add(struct vfa_queue *queue, const char *key, unsigned reasons, unsigned delay_ms);

/* Waits for work. False: vfa_queue_stop() was called. The caller ends taken work with
 * vfa_queue_done(). */
bool vfa_queue_take(struct vfa_queue *queue, struct vfa_work *ret);
void vfa_queue_done(struct vfa_queue *queue, const struct vfa_work *work);

void vfa_queue_stop(struct vfa_queue *queue); /* takes NULL */

/* The number of keys that wait or are worked on. */
size_t vfa_queue_length(struct vfa_queue *queue);

#endif
