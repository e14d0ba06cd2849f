/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See backoff.h. Invariant: what is over is dropped when its key is asked for, so the list
 * stays short; with back-off it stays until it is forgotten. */

#include "backoff.h"

#include "base/clock.h"

#include <pthread.h>
#include <string.h>

struct held {
    struct held *next;
    int64_t until;    /* milliseconds of CLOCK_MONOTONIC */
    unsigned last_ms; /* with back-off; 0: without */
    char key[];
};

struct vfa_backoff {
    pthread_mutex_t lock;
    struct held *held;
};

struct vfa_backoff *vfa_backoff_new(void)
{
    struct vfa_backoff *backoff = calloc(1, sizeof(*backoff));

    if (backoff)
        pthread_mutex_init(&backoff->lock, NULL);
    return backoff;
}

static void drop(struct held **link)
{
    struct held *held = *link;

    *link = held->next;
    free(held);
}

struct vfa_backoff *vfa_backoff_free(struct vfa_backoff *backoff)
{
    if (!backoff)
        return NULL;
    while (backoff->held)
        drop(&backoff->held);
    pthread_mutex_destroy(&backoff->lock);
    free(backoff);
    return NULL;
}

/* The link to the entry, or to NULL. */
static struct held **find(struct vfa_backoff *backoff, const char *key)
{
    struct held **link = &backoff->held;

    while (*link && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

unsigned vfa_backoff_remaining(struct vfa_backoff *backoff, const char *key)
{
    struct held **link;
    int64_t left = 0;

    pthread_mutex_lock(&backoff->lock);
    link = find(backoff, key);
    if (*link) {
        left = (*link)->until - vfa_clock_ms();
        if (left <= 0 && !(*link)->last_ms)
            drop(link);
    }
    pthread_mutex_unlock(&backoff->lock);
    return left > 0 ? (unsigned)left : 0;
}

/* NULL: no memory. */
static struct held *find_or_add(struct vfa_backoff *backoff, const char *key)
{
    struct held **link = find(backoff, key);

    if (!*link) {
        *link = calloc(1, sizeof(**link) + strlen(key) + 1);
        if (*link)
            strcpy((*link)->key, key);
    }
    return *link;
}

void vfa_backoff_set(struct vfa_backoff *backoff, const char *key, unsigned ms)
{
    struct held *held;

    pthread_mutex_lock(&backoff->lock);
    held = find_or_add(backoff, key);
    if (held) /* without memory it is tried too soon, no more */
        held->until = vfa_clock_ms() + ms;
    pthread_mutex_unlock(&backoff->lock);
}

unsigned vfa_backoff_grow(struct vfa_backoff *backoff, const char *key, unsigned first,
                          unsigned max)
{
    struct held *held;
    unsigned ms = first;

    pthread_mutex_lock(&backoff->lock);
    held = find_or_add(backoff, key);
    if (held && held->last_ms)
        ms = held->last_ms < max / 2 ? held->last_ms * 2 : max;
    if (held) {
        held->last_ms = ms;
        held->until = vfa_clock_ms() + ms;
    }
    pthread_mutex_unlock(&backoff->lock);
    return ms;
}

void vfa_backoff_forget(struct vfa_backoff *backoff, const char *prefix)
{
    pthread_mutex_lock(&backoff->lock);
    for (struct held **link = &backoff->held; *link;) {
        if (strncmp((*link)->key, prefix, strlen(prefix)) == 0)
            drop(link);
        else
            link = &(*link)->next;
    }
    pthread_mutex_unlock(&backoff->lock);
}
