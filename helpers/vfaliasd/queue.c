/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See queue.h. An unordered list with linear search: a host has hundreds of domains, seldom
 * thousands, and entries last milliseconds. `lock` guards everything; no code of a caller runs
 * while it is held.
 */

#include "queue.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/uuid.h"

#include <pthread.h>
#include <string.h>

struct entry {
    struct entry *next;
    char key[VFA_UUID_SIZE];
    unsigned reasons; /* 0: only taken, no work waits */
    int64_t due;      /* milliseconds of CLOCK_MONOTONIC */
    bool taken;
};

struct vfa_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct entry host; /* head of the list; never removed */
    unsigned fallback;
    bool stopped;
};

int vfa_queue_new(unsigned fallback, struct vfa_queue **ret, struct vfa_error *err)
{
    struct vfa_queue *queue = calloc(1, sizeof(*queue));
    pthread_condattr_t attr;

    if (!queue)
        return vfa_fail_oom(err);
    queue->fallback = fallback;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attr);
    pthread_condattr_destroy(&attr);
    *ret = queue;
    return 0;
}

struct vfa_queue *vfa_queue_free(struct vfa_queue *queue)
{
    if (!queue)
        return NULL;
    while (queue->host.next) {
        struct entry *entry = queue->host.next;

        queue->host.next = entry->next;
        free(entry);
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
    return NULL;
}

static struct entry *find_entry(struct vfa_queue *queue, const char *key)
{
    struct entry *entry = &queue->host;

    while (entry && strcmp(entry->key, key) != 0)
        entry = entry->next;
    return entry;
}

static struct entry *find_or_add_entry(struct vfa_queue *queue, const char *key)
{
    struct entry *entry = find_entry(queue, key);

    if (entry)
        return entry;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    snprintf(entry->key, sizeof(entry->key), "%s", key);
    entry->next = queue->host.next;
    queue->host.next = entry;
    return entry;
}

void vfa_queue_add(struct vfa_queue *queue, const char *key, unsigned reasons, unsigned delay_ms)
{
    int64_t due = vfa_clock_ms() + delay_ms;
    struct entry *entry;

    pthread_mutex_lock(&queue->lock);
    entry = find_or_add_entry(queue, key);
    if (!entry) {
        entry = &queue->host;
        reasons = queue->fallback;
    }
    if (!entry->reasons || due < entry->due)
        entry->due = due;
    entry->reasons |= reasons;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* Of the entries that no worker has taken, the first that is due, or NULL. */
static struct entry *next_due(struct vfa_queue *queue)
{
    struct entry *best = NULL;

    for (struct entry *entry = &queue->host; entry; entry = entry->next) {
        if (entry->reasons && !entry->taken && (!best || entry->due < best->due))
            best = entry;
    }
    return best;
}

/* Waits until `entry` may be due (NULL: until something changes). */
static void wait_for_entry(struct vfa_queue *queue, const struct entry *entry)
{
    struct timespec ts;

    if (!entry) {
        pthread_cond_wait(&queue->changed, &queue->lock);
        return;
    }
    ts = vfa_clock_timespec(entry->due);
    pthread_cond_timedwait(&queue->changed, &queue->lock, &ts);
}

bool vfa_queue_take(struct vfa_queue *queue, struct vfa_work *ret)
{
    struct entry *entry = NULL;
    bool found = false;

    pthread_mutex_lock(&queue->lock);
    while (!queue->stopped && !found) {
        entry = next_due(queue);
        found = entry && entry->due <= vfa_clock_ms();
        if (!found)
            wait_for_entry(queue, entry);
    }
    if (found) {
        memcpy(ret->key, entry->key, sizeof(ret->key));
        ret->reasons = entry->reasons;
        entry->reasons = 0;
        entry->taken = true;
        pthread_cond_signal(&queue->changed); /* for the next entry: each signal wakes one worker */
    }
    pthread_mutex_unlock(&queue->lock);
    return found;
}

static void remove_entry(struct vfa_queue *queue, struct entry *entry)
{
    struct entry *before = &queue->host;

    if (entry == before)
        return;
    while (before->next != entry)
        before = before->next;
    before->next = entry->next;
    free(entry);
}

void vfa_queue_done(struct vfa_queue *queue, const struct vfa_work *work)
{
    struct entry *entry;

    pthread_mutex_lock(&queue->lock);
    entry = find_entry(queue, work->key);
    if (entry) {
        entry->taken = false;
        if (!entry->reasons)
            remove_entry(queue, entry);
    }
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void vfa_queue_stop(struct vfa_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

size_t vfa_queue_length(struct vfa_queue *queue)
{
    size_t n = 0;

    pthread_mutex_lock(&queue->lock);
    for (const struct entry *entry = &queue->host; entry; entry = entry->next)
        n += entry->reasons || entry->taken;
    pthread_mutex_unlock(&queue->lock);
    return n;
}
