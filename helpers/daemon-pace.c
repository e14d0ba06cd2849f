/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See daemon-pace.h. Invariant: what is over is dropped when its key is asked for, so the list
 * stays short. */
#include "daemon-pace.h"

#include <pthread.h>
#include <string.h>

#include "clock.h"

struct held {
    struct held *next;
    int64_t until; /* milliseconds of CLOCK_MONOTONIC */
    char key[];
};

struct vfa_pace {
    pthread_mutex_t lock;
    struct held *held;
};

struct vfa_pace *vfa_pace_new(void)
{
    struct vfa_pace *pace = calloc(1, sizeof(*pace));

    if (pace)
        pthread_mutex_init(&pace->lock, NULL);
    return pace;
}

static void drop(struct held **link)
{
    struct held *held = *link;

    *link = held->next;
    free(held);
}

struct vfa_pace *vfa_pace_free(struct vfa_pace *pace)
{
    if (!pace)
        return NULL;
    while (pace->held)
        drop(&pace->held);
    pthread_mutex_destroy(&pace->lock);
    free(pace);
    return NULL;
}

/* The link to the entry, or to NULL. */
static struct held **find(struct vfa_pace *pace, const char *key)
{
    struct held **link = &pace->held;

    while (*link && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

unsigned vfa_pace_left(struct vfa_pace *pace, const char *key)
{
    struct held **link;
    int64_t left = 0;

    pthread_mutex_lock(&pace->lock);
    link = find(pace, key);
    if (*link) {
        left = (*link)->until - vfa_clock_ms();
        if (left <= 0)
            drop(link);
    }
    pthread_mutex_unlock(&pace->lock);
    return left > 0 ? (unsigned)left : 0;
}

void vfa_pace_hold(struct vfa_pace *pace, const char *key, unsigned ms)
{
    struct held **link;

    pthread_mutex_lock(&pace->lock);
    link = find(pace, key);
    if (!*link) {
        *link = calloc(1, sizeof(**link) + strlen(key) + 1);
        if (*link)
            strcpy((*link)->key, key);
    }
    if (*link) /* without memory it is tried too soon, no more */
        (*link)->until = vfa_clock_ms() + ms;
    pthread_mutex_unlock(&pace->lock);
}

void vfa_pace_forget(struct vfa_pace *pace, const char *prefix)
{
    pthread_mutex_lock(&pace->lock);
    for (struct held **link = &pace->held; *link;) {
        if (strncmp((*link)->key, prefix, strlen(prefix)) == 0)
            drop(link);
        else
            link = &(*link)->next;
    }
    pthread_mutex_unlock(&pace->lock);
}
