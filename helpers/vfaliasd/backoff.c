/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See backoff.h. An entry of vfa_backoff_set() that is over is removed when its key is asked for,
 * so the list stays short. An entry of vfa_backoff_grow() stays until it is forgotten. */

#include "backoff.h"

#include "base/clock.h"

#include <pthread.h>
#include <string.h>

struct delay {
    struct delay *next;
    int64_t until;    /* milliseconds of CLOCK_MONOTONIC */
    unsigned last_ms; /* the last growing delay; 0: none */
    char key[];
};

struct vfa_backoff {
    pthread_mutex_t lock;
    struct delay *delays;
};

struct vfa_backoff *vfa_backoff_new(void)
{
    struct vfa_backoff *backoff = calloc(1, sizeof(*backoff));

    if (backoff)
        pthread_mutex_init(&backoff->lock, NULL);
    return backoff;
}

static void drop_delay(struct delay **link)
{
    struct delay *delay = *link;

    *link = delay->next;
    free(delay);
}

struct vfa_backoff *vfa_backoff_free(struct vfa_backoff *backoff)
{
    if (!backoff)
        return NULL;
    while (backoff->delays)
        drop_delay(&backoff->delays);
    pthread_mutex_destroy(&backoff->lock);
    free(backoff);
    return NULL;
}

/* The link to the entry, or to NULL. */
static struct delay **find_delay(struct vfa_backoff *backoff, const char *key)
{
    struct delay **link = &backoff->delays;

    while (*link && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

unsigned vfa_backoff_remaining(struct vfa_backoff *backoff, const char *key)
{
    struct delay **link;
    int64_t left = 0;

    pthread_mutex_lock(&backoff->lock);
    link = find_delay(backoff, key);
    if (*link) {
        left = (*link)->until - vfa_clock_ms();
        if (left <= 0 && !(*link)->last_ms)
            drop_delay(link);
    }
    pthread_mutex_unlock(&backoff->lock);
    return left > 0 ? (unsigned)left : 0;
}

/* NULL: no memory. */
static struct delay *find_or_add_delay(struct vfa_backoff *backoff, const char *key)
{
    struct delay **link = find_delay(backoff, key);

    if (!*link) {
        *link = calloc(1, sizeof(**link) + strlen(key) + 1);
        if (*link)
            strcpy((*link)->key, key);
    }
    return *link;
}

void vfa_backoff_set(struct vfa_backoff *backoff, const char *key, unsigned ms)
{
    struct delay *delay;

    pthread_mutex_lock(&backoff->lock);
    delay = find_or_add_delay(backoff, key);
    if (delay) /* without memory the next try only comes too soon */
        delay->until = vfa_clock_ms() + ms;
    pthread_mutex_unlock(&backoff->lock);
}

unsigned vfa_backoff_grow(struct vfa_backoff *backoff, const char *key, unsigned first,
                          unsigned max)
{
    struct delay *delay;
    unsigned ms = first;

    pthread_mutex_lock(&backoff->lock);
    delay = find_or_add_delay(backoff, key);
    if (delay && delay->last_ms)
        ms = delay->last_ms < max / 2 ? delay->last_ms * 2 : max;
    if (delay) {
        delay->last_ms = ms;
        delay->until = vfa_clock_ms() + ms;
    }
    pthread_mutex_unlock(&backoff->lock);
    return ms;
}

void vfa_backoff_forget(struct vfa_backoff *backoff, const char *prefix)
{
    pthread_mutex_lock(&backoff->lock);
    for (struct delay **link = &backoff->delays; *link;) {
        if (strncmp((*link)->key, prefix, strlen(prefix)) == 0)
            drop_delay(link);
        else
            link = &(*link)->next;
    }
    pthread_mutex_unlock(&backoff->lock);
}
