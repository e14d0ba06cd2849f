/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See crew.h. `lock` guards `free`; `has_place` is local to each thread. */

#include "crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct vfa_crew {
    pthread_mutex_t lock;
    pthread_cond_t left;
    unsigned free;
};

static __thread bool has_place;

struct vfa_crew *vfa_crew_new(unsigned n)
{
    struct vfa_crew *crew = calloc(1, sizeof(*crew));

    if (!crew)
        return NULL;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->left, NULL);
    crew->free = n;
    return crew;
}

struct vfa_crew *vfa_crew_free(struct vfa_crew *crew)
{
    if (!crew)
        return NULL;
    pthread_cond_destroy(&crew->left);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
    return NULL;
}

void vfa_crew_enter(struct vfa_crew *crew)
{
    if (has_place)
        return;
    pthread_mutex_lock(&crew->lock);
    while (crew->free == 0)
        pthread_cond_wait(&crew->left, &crew->lock);
    crew->free--;
    pthread_mutex_unlock(&crew->lock);
    has_place = true;
}

void vfa_crew_leave(struct vfa_crew *crew)
{
    if (!has_place)
        return;
    has_place = false;
    pthread_mutex_lock(&crew->lock);
    crew->free++;
    pthread_cond_signal(&crew->left);
    pthread_mutex_unlock(&crew->lock);
}
