/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See daemon-late.h. A list from who waits longest to who came last; `lock` guards everything. */
#include "daemon-late.h"

#include <pthread.h>
#include <string.h>

struct waiting {
    struct waiting *next;
    char uuid[VFA_UUID_SIZE];
};

struct vfa_late {
    pthread_mutex_t lock;
    struct waiting *waiting;
    int64_t freed; /* -1: never asked */
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

bool vfa_late_add(struct vfa_late *late, const char *uuid)
{
    struct waiting **link;
    bool there;

    pthread_mutex_lock(&late->lock);
    for (link = &late->waiting; *link && strcmp((*link)->uuid, uuid) != 0; link = &(*link)->next)
        ;
    if (!*link) {
        *link = calloc(1, sizeof(**link));
        if (*link)
            snprintf((*link)->uuid, sizeof((*link)->uuid), "%s", uuid);
    }
    there = *link != NULL;
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
