/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See turn.h. `lock` guards everything. Empty entries are removed, so the list has only domains
 * whose guests start or wait.
 */

#include "turn.h"

#include "base/clock.h"
#include "base/uuid.h"
#include "daemon.h"

#include <pthread.h>
#include <string.h>

struct turn {
    struct turn *next;
    char uuid[VFA_UUID_SIZE];
    bool taken, wanted;
    bool attaches, awaited;
    int64_t started; /* milliseconds of CLOCK_MONOTONIC; 0: not known */
    unsigned held;   /* the guest's id; 0: not suspended by this daemon */
    int64_t since;   /* when it was suspended; milliseconds of CLOCK_MONOTONIC */
};

struct vfa_turns {
    pthread_mutex_t lock;
    struct turn *turns;
};

struct vfa_turns *vfa_turns_new(void)
{
    struct vfa_turns *turns = calloc(1, sizeof(*turns));

    if (turns)
        pthread_mutex_init(&turns->lock, NULL);
    return turns;
}

struct vfa_turns *vfa_turns_free(struct vfa_turns *turns)
{
    struct turn *turn;

    if (!turns)
        return NULL;
    while ((turn = turns->turns)) {
        turns->turns = turn->next;
        free(turn);
    }
    pthread_mutex_destroy(&turns->lock);
    free(turns);
    return NULL;
}

/* The link to the entry, or to NULL. */
static struct turn **find_turn(struct vfa_turns *turns, const char *uuid)
{
    struct turn **link = &turns->turns;

    while (*link && strcmp((*link)->uuid, uuid) != 0)
        link = &(*link)->next;
    return link;
}

static struct turn *find_or_add_turn(struct vfa_turns *turns, const char *uuid)
{
    struct turn **link = find_turn(turns, uuid);

    if (!*link) {
        *link = calloc(1, sizeof(**link));
        if (*link)
            snprintf((*link)->uuid, sizeof((*link)->uuid), "%s", uuid);
    }
    return *link;
}

static void drop_if_empty(struct turn **link)
{
    struct turn *turn = *link;

    if (turn->taken || turn->started || turn->held)
        return;
    *link = turn->next;
    free(turn);
}

bool vfa_turn_take(struct vfa_turns *turns, const char *uuid)
{
    struct turn *turn;
    bool taken = false;

    pthread_mutex_lock(&turns->lock);
    turn = find_or_add_turn(turns, uuid);
    if (turn && turn->taken) {
        turn->wanted = true;
    } else if (turn) {
        turn->taken = true;
        taken = true;
    }
    pthread_mutex_unlock(&turns->lock);
    return taken;
}

bool vfa_turn_end(struct vfa_turns *turns, const char *uuid)
{
    struct turn **link;
    bool wanted = false;

    pthread_mutex_lock(&turns->lock);
    link = find_turn(turns, uuid);
    if (*link) {
        wanted = (*link)->wanted;
        (*link)->taken = false;
        (*link)->wanted = false;
        drop_if_empty(link);
    }
    pthread_mutex_unlock(&turns->lock);
    return wanted;
}

void vfa_turn_started(struct vfa_turns *turns, const char *uuid)
{
    struct turn *turn;

    pthread_mutex_lock(&turns->lock);
    turn = find_or_add_turn(turns, uuid);
    if (turn && !turn->started) /* without memory only its age is unknown */
        turn->started = vfa_clock_ms();
    pthread_mutex_unlock(&turns->lock);
}

int64_t vfa_turn_age(struct vfa_turns *turns, const char *uuid)
{
    const struct turn *turn;
    int64_t age = -1;

    pthread_mutex_lock(&turns->lock);
    turn = *find_turn(turns, uuid);
    if (turn && turn->started)
        age = vfa_clock_ms() - turn->started;
    pthread_mutex_unlock(&turns->lock);
    return age;
}

void vfa_turn_hold(struct vfa_turns *turns, const char *uuid, unsigned id, int64_t age_ms)
{
    struct turn **link;

    pthread_mutex_lock(&turns->lock);
    if (id)
        find_or_add_turn(turns, uuid);
    link = find_turn(turns, uuid);
    if (*link) {
        (*link)->held = id;
        (*link)->since = vfa_clock_ms() - age_ms;
        drop_if_empty(link);
    }
    pthread_mutex_unlock(&turns->lock);
}

int64_t vfa_turn_held_for(struct vfa_turns *turns, const char *uuid)
{
    const struct turn *turn;
    int64_t age = -1;

    pthread_mutex_lock(&turns->lock);
    turn = *find_turn(turns, uuid);
    if (turn && turn->held)
        age = vfa_clock_ms() - turn->since;
    pthread_mutex_unlock(&turns->lock);
    return age;
}

/* The caller has the turn, so the entry exists. */
static bool set_attaches(struct vfa_turns *turns, const char *uuid, bool attaches)
{
    struct turn *turn;
    bool awaited = false;

    pthread_mutex_lock(&turns->lock);
    turn = *find_turn(turns, uuid);
    if (turn) {
        awaited = turn->awaited;
        turn->attaches = attaches;
        turn->awaited = false;
    }
    pthread_mutex_unlock(&turns->lock);
    return awaited;
}

void vfa_turn_attach(struct vfa_turns *turns, const char *uuid)
{
    set_attaches(turns, uuid, true);
}

bool vfa_turn_attached(struct vfa_turns *turns, const char *uuid)
{
    return set_attaches(turns, uuid, false);
}

bool vfa_turn_attaches(struct vfa_turns *turns, const char *uuid)
{
    struct turn *turn;
    bool attaches;

    pthread_mutex_lock(&turns->lock);
    turn = *find_turn(turns, uuid);
    attaches = turn && turn->attaches;
    if (attaches)
        turn->awaited = true;
    pthread_mutex_unlock(&turns->lock);
    return attaches;
}

unsigned vfa_turn_held(struct vfa_turns *turns, const char *uuid)
{
    const struct turn *turn;
    unsigned id;

    pthread_mutex_lock(&turns->lock);
    turn = *find_turn(turns, uuid);
    id = turn ? turn->held : 0;
    pthread_mutex_unlock(&turns->lock);
    return id;
}

size_t vfa_turn_all_held(struct vfa_turns *turns, struct vfa_held_guest **ret)
{
    struct vfa_held_guest *guests;
    size_t n = 0;

    pthread_mutex_lock(&turns->lock);
    for (const struct turn *turn = turns->turns; turn; turn = turn->next)
        n += turn->held != 0;
    guests = calloc(n + 1, sizeof(*guests));
    n = 0;
    for (const struct turn *turn = turns->turns; guests && turn; turn = turn->next) {
        if (!turn->held)
            continue;
        memcpy(guests[n].uuid, turn->uuid, sizeof(guests[n].uuid));
        guests[n++].id = turn->held;
    }
    pthread_mutex_unlock(&turns->lock);
    *ret = guests;
    return guests ? n : SIZE_MAX;
}

void vfa_turn_forget(struct vfa_turns *turns, const char *uuid)
{
    struct turn **link;

    pthread_mutex_lock(&turns->lock);
    link = find_turn(turns, uuid);
    if (*link) {
        (*link)->started = 0;
        (*link)->held = 0;
        drop_if_empty(link);
    }
    pthread_mutex_unlock(&turns->lock);
}
