/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See waiters.h. A list from who waits longest to who came last; `lock` guards everything. Who
 * is woken stays in the list, and leaves it if it does not ask again in its look. */

#include "waiters.h"

#include "base/uuid.h"
#include "daemon.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct waiting {
    struct waiting *next;
    char uuid[VFA_UUID_SIZE];
    unsigned round; /* in which it was woken last */
    bool woken;     /* its look has not ended */
    bool waits;     /* since it was woken */
    bool served;    /* likewise */
};

struct vfa_late {
    pthread_mutex_t lock;
    struct waiting *waiting;
    int64_t freed;  /* -1: never asked */
    unsigned round; /* a new one with each news */
    size_t free;    /* looks to be given out in this round */
};

struct vfa_late *vfa_late_new(void)
{
    struct vfa_late *late = calloc(1, sizeof(*late));

    if (late) {
        pthread_mutex_init(&late->lock, NULL);
        late->freed = -1;
    }
    return late;
}

struct vfa_late *vfa_late_free(struct vfa_late *late)
{
    char uuid[VFA_UUID_SIZE];

    if (!late)
        return NULL;
    while (vfa_late_take(late, uuid))
        ;
    pthread_mutex_destroy(&late->lock);
    free(late);
    return NULL;
}

/* The link to the entry, or to NULL. */
static struct waiting **find(struct vfa_late *late, const char *uuid)
{
    struct waiting **link = &late->waiting;

    while (*link && strcmp((*link)->uuid, uuid) != 0)
        link = &(*link)->next;
    return link;
}

bool vfa_late_add(struct vfa_late *late, const char *uuid)
{
    struct waiting **link;
    bool there;

    pthread_mutex_lock(&late->lock);
    link = find(late, uuid);
    if (!*link) {
        *link = calloc(1, sizeof(**link));
        if (*link)
            snprintf((*link)->uuid, sizeof((*link)->uuid), "%s", uuid);
    }
    there = *link != NULL;
    if (there)
        (*link)->waits = true;
    pthread_mutex_unlock(&late->lock);
    return there;
}

bool vfa_late_is_empty(struct vfa_late *late)
{
    bool empty;

    pthread_mutex_lock(&late->lock);
    empty = !late->waiting;
    pthread_mutex_unlock(&late->lock);
    return empty;
}

bool vfa_late_is_news(struct vfa_late *late, int64_t freed)
{
    bool news;

    pthread_mutex_lock(&late->lock);
    news = late->freed != freed;
    late->freed = freed;
    pthread_mutex_unlock(&late->lock);
    return news;
}

bool vfa_late_take(struct vfa_late *late, char uuid[VFA_UUID_SIZE])
{
    struct waiting *first;

    pthread_mutex_lock(&late->lock);
    first = late->waiting;
    if (first)
        late->waiting = first->next;
    pthread_mutex_unlock(&late->lock);
    if (!first)
        return false;
    memcpy(uuid, first->uuid, sizeof(first->uuid));
    free(first);
    return true;
}

bool vfa_late_freed(struct vfa_late *late, int64_t freed, bool all)
{
    bool news;

    pthread_mutex_lock(&late->lock);
    news = late->freed != freed;
    if (news) {
        all = all || late->freed < 0 || freed < late->freed; /* nobody knows how many */
        late->free = all ? SIZE_MAX : (size_t)(freed - late->freed);
        late->freed = freed;
        late->round++;
    }
    pthread_mutex_unlock(&late->lock);
    return news;
}

bool vfa_late_wake(struct vfa_late *late, char uuid[VFA_UUID_SIZE])
{
    struct waiting *next;

    pthread_mutex_lock(&late->lock);
    next = late->free > 0 ? late->waiting : NULL;
    while (next && next->round == late->round)
        next = next->next;
    if (next) {
        memcpy(uuid, next->uuid, sizeof(next->uuid));
        next->round = late->round;
        next->woken = true;
        next->waits = false;
        next->served = false;
        late->free -= late->free != SIZE_MAX;
    }
    pthread_mutex_unlock(&late->lock);
    return next != NULL;
}

void vfa_late_serve(struct vfa_late *late, const char *uuid)
{
    struct waiting *its;

    pthread_mutex_lock(&late->lock);
    its = *find(late, uuid);
    if (its) {
        its->served = true;
        its->waits = false;
    }
    pthread_mutex_unlock(&late->lock);
}

bool vfa_late_end(struct vfa_late *late, const char *uuid)
{
    struct waiting **link, *its;
    bool again = false;

    pthread_mutex_lock(&late->lock);
    link = find(late, uuid);
    its = *link;
    if (its && its->woken) {
        again = !its->served;
        late->free += again && late->free != SIZE_MAX;
        its->woken = false;
        if (!its->waits) {
            *link = its->next;
            free(its);
        }
    }
    pthread_mutex_unlock(&late->lock);
    return again;
}
