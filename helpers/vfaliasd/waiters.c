/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See waiters.h. A list, the domain that waits longest first; `lock` guards everything. A domain
 * that is woken stays in the list; it is removed at the end of its pass if that did not add it
 * again. */

#include "waiters.h"

#include "base/uuid.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct waiting {
    struct waiting *next;
    char uuid[VFA_UUID_SIZE];
    unsigned round; /* in which the domain was woken last */
    bool woken;     /* and its pass has not ended */
    bool waits;     /* added again since it was woken */
    bool served;    /* got a device since it was woken */
};

struct vfa_waiters {
    pthread_mutex_t lock;
    struct waiting *waiting;
    int64_t freed;  /* -1: not read yet */
    unsigned round; /* counted up with each change of `freed` */
    size_t free;    /* domains to wake in this round */
};

struct vfa_waiters *vfa_waiters_new(void)
{
    struct vfa_waiters *waiters = calloc(1, sizeof(*waiters));

    if (waiters) {
        pthread_mutex_init(&waiters->lock, NULL);
        waiters->freed = -1;
    }
    return waiters;
}

struct vfa_waiters *vfa_waiters_free(struct vfa_waiters *waiters)
{
    char uuid[VFA_UUID_SIZE];

    if (!waiters)
        return NULL;
    while (vfa_waiters_take(waiters, uuid))
        ;
    pthread_mutex_destroy(&waiters->lock);
    free(waiters);
    return NULL;
}

/* The link to the entry, or to NULL. */
static struct waiting **find_waiting(struct vfa_waiters *waiters, const char *uuid)
{
    struct waiting **link = &waiters->waiting;

    while (*link && strcmp((*link)->uuid, uuid) != 0)
        link = &(*link)->next;
    return link;
}

bool vfa_waiters_add(struct vfa_waiters *waiters, const char *uuid)
{
    struct waiting **link;
    bool there;

    pthread_mutex_lock(&waiters->lock);
    link = find_waiting(waiters, uuid);
    if (!*link) {
        *link = calloc(1, sizeof(**link));
        if (*link)
            snprintf((*link)->uuid, sizeof((*link)->uuid), "%s", uuid);
    }
    there = *link != NULL;
    if (there)
        (*link)->waits = true;
    pthread_mutex_unlock(&waiters->lock);
    return there;
}

bool vfa_waiters_is_empty(struct vfa_waiters *waiters)
{
    bool empty;

    pthread_mutex_lock(&waiters->lock);
    empty = !waiters->waiting;
    pthread_mutex_unlock(&waiters->lock);
    return empty;
}

bool vfa_waiters_counter_changed(struct vfa_waiters *waiters, int64_t freed)
{
    bool changed;

    pthread_mutex_lock(&waiters->lock);
    changed = waiters->freed != freed;
    waiters->freed = freed;
    pthread_mutex_unlock(&waiters->lock);
    return changed;
}

bool vfa_waiters_take(struct vfa_waiters *waiters, char uuid[VFA_UUID_SIZE])
{
    struct waiting *first;

    pthread_mutex_lock(&waiters->lock);
    first = waiters->waiting;
    if (first)
        waiters->waiting = first->next;
    pthread_mutex_unlock(&waiters->lock);
    if (!first)
        return false;
    memcpy(uuid, first->uuid, sizeof(first->uuid));
    free(first);
    return true;
}

bool vfa_waiters_freed(struct vfa_waiters *waiters, int64_t freed, bool all)
{
    bool changed;

    pthread_mutex_lock(&waiters->lock);
    changed = waiters->freed != freed;
    if (changed) {
        all = all || waiters->freed < 0 || freed < waiters->freed; /* how many is unknown */
        waiters->free = all ? SIZE_MAX : (size_t)(freed - waiters->freed);
        waiters->freed = freed;
        waiters->round++;
    }
    pthread_mutex_unlock(&waiters->lock);
    return changed;
}

bool vfa_waiters_wake(struct vfa_waiters *waiters, char uuid[VFA_UUID_SIZE])
{
    struct waiting *next;

    pthread_mutex_lock(&waiters->lock);
    next = waiters->free > 0 ? waiters->waiting : NULL;
    while (next && next->round == waiters->round)
        next = next->next;
    if (next) {
        memcpy(uuid, next->uuid, sizeof(next->uuid));
        next->round = waiters->round;
        next->woken = true;
        next->waits = false;
        next->served = false;
        waiters->free -= waiters->free != SIZE_MAX;
    }
    pthread_mutex_unlock(&waiters->lock);
    return next != NULL;
}

void vfa_waiters_serve(struct vfa_waiters *waiters, const char *uuid)
{
    struct waiting *its;

    pthread_mutex_lock(&waiters->lock);
    its = *find_waiting(waiters, uuid);
    if (its) {
        its->served = true;
        its->waits = false;
    }
    pthread_mutex_unlock(&waiters->lock);
}

bool vfa_waiters_end(struct vfa_waiters *waiters, const char *uuid)
{
    struct waiting **link, *its;
    bool again = false;

    pthread_mutex_lock(&waiters->lock);
    link = find_waiting(waiters, uuid);
    its = *link;
    if (its && its->woken) {
        again = !its->served;
        waiters->free += again && waiters->free != SIZE_MAX;
        its->woken = false;
        if (!its->waits) {
            *link = its->next;
            free(its);
        }
    }
    pthread_mutex_unlock(&waiters->lock);
    return again;
}
