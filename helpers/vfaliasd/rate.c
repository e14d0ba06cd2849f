/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See rate.h. A key is kept until its next turn would be given at once. Each request removes the
 * keys that are over, so the list has only keys with frequent requests. `lock` guards everything.
 */

#include "rate.h"

#include <pthread.h>
#include <string.h>

struct turns {
    struct turns *next;
    int64_t due;    /* of the turn that was given last */
    int64_t spent;  /* all turns before this time are given */
    unsigned asked; /* requests for the turn that is due */
    char key[];
};

struct vfa_rate {
    pthread_mutex_t lock;
    struct turns *turns;
};

struct vfa_rate *vfa_rate_new(void)
{
    struct vfa_rate *rate = calloc(1, sizeof(*rate));

    if (rate)
        pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

/* Removes the keys that are over at that time. */
static void drop_expired(struct vfa_rate *rate, int64_t now_ms)
{
    for (struct turns **link = &rate->turns; *link;) {
        struct turns *turns = *link;

        if (turns->spent > now_ms) {
            link = &turns->next;
            continue;
        }
        *link = turns->next;
        free(turns);
    }
}

struct vfa_rate *vfa_rate_free(struct vfa_rate *rate)
{
    if (!rate)
        return NULL;
    drop_expired(rate, INT64_MAX);
    pthread_mutex_destroy(&rate->lock);
    free(rate);
    return NULL;
}

/* NULL: no memory. */
static struct turns *find_or_add_key(struct vfa_rate *rate, const char *key, int64_t now_ms)
{
    struct turns *turns = rate->turns;

    while (turns && strcmp(turns->key, key) != 0)
        turns = turns->next;
    if (turns)
        return turns;
    turns = calloc(1, sizeof(*turns) + strlen(key) + 1);
    if (!turns)
        return NULL;
    strcpy(turns->key, key);
    turns->due = turns->spent = now_ms;
    turns->next = rate->turns;
    rate->turns = turns;
    return turns;
}

static unsigned take_turn(struct turns *turns, int64_t now_ms, bool *ret_storm)
{
    int64_t next = turns->spent - (int64_t)(VFA_RATE_BURST - 1) * VFA_RATE_MS;

    if (turns->due > now_ms) { /* a turn is due already: this request shares it */
        *ret_storm = ++turns->asked == VFA_RATE_STORM;
        return (unsigned)(turns->due - now_ms);
    }
    turns->due = next > now_ms ? next : now_ms;
    turns->spent += VFA_RATE_MS;
    turns->asked = 1;
    return (unsigned)(turns->due - now_ms);
}

unsigned vfa_rate_ask(struct vfa_rate *rate, const char *key, int64_t now_ms, bool *ret_storm)
{
    struct turns *turns;
    unsigned ms;

    *ret_storm = false;
    pthread_mutex_lock(&rate->lock);
    drop_expired(rate, now_ms);
    turns = find_or_add_key(rate, key, now_ms);
    ms = turns ? take_turn(turns, now_ms, ret_storm) : 0; /* without memory there is no limit */
    pthread_mutex_unlock(&rate->lock);
    return ms;
}

size_t vfa_rate_length(struct vfa_rate *rate)
{
    size_t n = 0;

    pthread_mutex_lock(&rate->lock);
    for (const struct turns *turns = rate->turns; turns; turns = turns->next)
        n++;
    pthread_mutex_unlock(&rate->lock);
    return n;
}
