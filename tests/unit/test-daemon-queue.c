/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's queue, back-off, turns and wait list: which domain is returned, when, and to only
 * one thread at a time. */

#include "base/clock.h"
#include "base/uuid.h"
#include "check.h"
#include "helpers/vfaliasd/backoff.h"
#include "helpers/vfaliasd/daemon.h"
#include "helpers/vfaliasd/queue.h"
#include "helpers/vfaliasd/turn.h"
#include "helpers/vfaliasd/waiters.h"

#include <pthread.h>
#include <stdatomic.h>

#define A "aaaaaaaa-0000-0000-0000-000000000000"
#define B "bbbbbbbb-0000-0000-0000-000000000000"
#define C "cccccccc-0000-0000-0000-000000000000"

static struct vfa_queue *make(void)
{
    struct vfa_queue *queue = NULL;

    if (vfa_queue_new(64, &queue, NULL) < 0)
        exit(1);
    return queue;
}

static void test_merging(void)
{
    struct vfa_queue *queue = make();
    struct vfa_work work;

    vfa_queue_add(queue, A, 1, 0);
    vfa_queue_add(queue, A, 4, 10000); /* was due earlier: stays due */
    CHECK(vfa_queue_length(queue) == 1);
    CHECK(vfa_queue_take(queue, &work));
    CHECK(strcmp(work.key, A) == 0 && work.reasons == 5, "%s %u", work.key, work.reasons);
    vfa_queue_done(queue, &work);
    CHECK(vfa_queue_length(queue) == 0);
    vfa_queue_free(queue);
}

static void test_again_while_taken(void)
{
    struct vfa_queue *queue = make();
    struct vfa_work first, other;

    vfa_queue_add(queue, A, 1, 0);
    CHECK(vfa_queue_take(queue, &first));
    vfa_queue_add(queue, A, 2, 0);
    vfa_queue_add(queue, B, 1, 1); /* due after A, but A is taken */
    CHECK(vfa_queue_take(queue, &other) && strcmp(other.key, B) == 0, "%s", other.key);
    vfa_queue_done(queue, &other);
    vfa_queue_done(queue, &first);
    CHECK(vfa_queue_take(queue, &other) && strcmp(other.key, A) == 0 && other.reasons == 2);
    vfa_queue_done(queue, &other);
    vfa_queue_free(queue);
}

static void test_delay(void)
{
    struct vfa_queue *queue = make();
    int64_t start = vfa_clock_ms();
    struct vfa_work work;

    vfa_queue_add(queue, A, 1, 60);
    vfa_queue_add(queue, VFA_WORK_HOST, 8, 30);
    CHECK(vfa_queue_take(queue, &work) && strcmp(work.key, VFA_WORK_HOST) == 0);
    vfa_queue_done(queue, &work);
    CHECK(vfa_queue_take(queue, &work) && strcmp(work.key, A) == 0);
    CHECK(vfa_clock_ms() - start >= 60);
    vfa_queue_done(queue, &work);
    vfa_queue_free(queue);
}

/* ---- many workers ---- */

#define WORKERS 4
#define KEYS    8
#define ROUNDS  2000

struct shared {
    struct vfa_queue *queue;
    atomic_int busy[KEYS];
    atomic_int seen[KEYS];
    atomic_int clashes;
};

static void *worker(void *opaque)
{
    struct shared *shared = opaque;
    struct vfa_work work;

    while (vfa_queue_take(shared->queue, &work)) {
        int key = work.key[0] - 'a';

        if (shared->busy[key]++ != 0)
            shared->clashes++;
        shared->seen[key]++;
        shared->busy[key]--;
        vfa_queue_done(shared->queue, &work);
    }
    return NULL;
}

static void test_workers(void)
{
    static struct shared shared;
    pthread_t threads[WORKERS];
    char key[VFA_UUID_SIZE] = A;

    shared.queue = make();
    for (size_t i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, worker, &shared) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        key[0] = (char)('a' + i % KEYS);
        vfa_queue_add(shared.queue, key, 1, 0);
    }
    while (vfa_queue_length(shared.queue) > 0)
        sched_yield();
    vfa_queue_stop(shared.queue);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(shared.clashes == 0, "%d", shared.clashes);
    for (int i = 0; i < KEYS; i++)
        CHECK(shared.seen[i] > 0, "key %d", i);
    vfa_queue_free(shared.queue);
}

static void test_stop(void)
{
    struct vfa_queue *queue = make();
    struct vfa_work work;

    vfa_queue_add(queue, A, 1, 0);
    vfa_queue_stop(queue);
    CHECK(!vfa_queue_take(queue, &work));
    vfa_queue_free(queue);
    vfa_queue_stop(NULL);
}

static void test_pace(void)
{
    struct vfa_backoff *backoff = vfa_backoff_new();

    CHECK(vfa_backoff_remaining(backoff, A "/x") == 0);
    vfa_backoff_set(backoff, A "/x", 5000);
    vfa_backoff_set(backoff, B "/x", 5000);
    CHECK(vfa_backoff_remaining(backoff, A "/x") > 0);
    CHECK(vfa_backoff_remaining(backoff, A "/y") == 0);
    vfa_backoff_forget(backoff, A);
    CHECK(vfa_backoff_remaining(backoff, A "/x") == 0);
    CHECK(vfa_backoff_remaining(backoff, B "/x") > 0);
    vfa_backoff_set(backoff, B "/x", 0);
    CHECK(vfa_backoff_remaining(backoff, B "/x") == 0);
    vfa_backoff_free(backoff);
}

static void test_back_off(void)
{
    struct vfa_backoff *backoff = vfa_backoff_new();

    CHECK(vfa_backoff_grow(backoff, A, 1000, 7000) == 1000);
    CHECK(vfa_backoff_remaining(backoff, A) > 0 && vfa_backoff_remaining(backoff, A) <= 1000);
    CHECK(vfa_backoff_grow(backoff, A, 1000, 7000) == 2000);
    CHECK(vfa_backoff_grow(backoff, A, 1000, 7000) == 4000);
    CHECK(vfa_backoff_grow(backoff, A, 1000, 7000) == 7000);
    CHECK(vfa_backoff_grow(backoff, A, 1000, 7000) == 7000);
    CHECK(vfa_backoff_remaining(backoff, A) > 4000);
    CHECK(vfa_backoff_grow(backoff, B, 0, 0) == 0);
    CHECK(vfa_backoff_remaining(backoff, B) == 0);
    vfa_backoff_forget(backoff, A);
    CHECK(vfa_backoff_grow(backoff, A, 1000, 7000) == 1000);
    vfa_backoff_free(backoff);
}

static void test_turns(void)
{
    struct vfa_turns *turns = vfa_turns_new();

    CHECK(vfa_turn_take(turns, A) && vfa_turn_take(turns, B));
    CHECK(!vfa_turn_end(turns, A));
    CHECK(!vfa_turn_take(turns, B));
    CHECK(vfa_turn_end(turns, B));
    CHECK(vfa_turn_take(turns, B));
    CHECK(!vfa_turn_end(turns, B)); /* `wanted` was reset */
    vfa_turns_free(turns);
}

static void test_held(void)
{
    struct vfa_turns *turns = vfa_turns_new();

    CHECK(vfa_turn_held(turns, A) == 0);
    vfa_turn_hold(turns, A, 7, 0);
    CHECK(vfa_turn_take(turns, A));
    CHECK(!vfa_turn_end(turns, A));
    CHECK(vfa_turn_held(turns, A) == 7 && vfa_turn_held(turns, B) == 0);
    vfa_turn_hold(turns, A, 0, 0);
    vfa_turn_hold(turns, B, 0, 0);
    CHECK(vfa_turn_held(turns, A) == 0);
    vfa_turn_hold(turns, A, 8, 0);
    vfa_turn_forget(turns, A); /* the guest has stopped */
    CHECK(vfa_turn_held(turns, A) == 0);
    vfa_turns_free(turns);
}

static void test_held_for(void)
{
    struct vfa_turns *turns = vfa_turns_new();
    struct vfa_held_guest *held = NULL;

    CHECK(vfa_turn_held_for(turns, A) < 0);
    vfa_turn_hold(turns, A, 7, 5000);
    vfa_turn_started(turns, B);
    CHECK(vfa_turn_held_for(turns, A) >= 5000 && vfa_turn_held_for(turns, B) < 0);
    CHECK(vfa_turn_all_held(turns, &held) == 1);
    CHECK(strcmp(held[0].uuid, A) == 0 && held[0].id == 7, "%s %u", held[0].uuid, held[0].id);
    free(held);
    CHECK(!vfa_turn_attaches(turns, A));
    vfa_turn_attach(turns, A);
    CHECK(vfa_turn_attaches(turns, A));
    CHECK(vfa_turn_attached(turns, A)); /* vfa_turn_attaches() was called */
    vfa_turn_attach(turns, A);
    CHECK(!vfa_turn_attached(turns, A) && !vfa_turn_attaches(turns, A));
    vfa_turns_free(turns);
}

static void test_age(void)
{
    struct vfa_turns *turns = vfa_turns_new();

    CHECK(vfa_turn_age(turns, A) < 0);
    vfa_turn_started(turns, A);
    usleep(10000);
    vfa_turn_started(turns, A); /* a later event */
    CHECK(vfa_turn_age(turns, A) >= 9);
    CHECK(vfa_turn_take(turns, A));
    vfa_turn_forget(turns, A);
    CHECK(vfa_turn_age(turns, A) < 0);
    CHECK(!vfa_turn_take(turns, A));
    vfa_turn_started(turns, A);
    CHECK(vfa_turn_end(turns, A));
    CHECK(vfa_turn_age(turns, A) >= 0 && vfa_turn_age(turns, A) < 9000);
    vfa_turns_free(turns);
}

static void test_late(void)
{
    struct vfa_waiters *waiters = vfa_waiters_new();
    char uuid[VFA_UUID_SIZE];

    CHECK(vfa_waiters_is_empty(waiters));
    CHECK(!vfa_waiters_take(waiters, uuid));
    CHECK(vfa_waiters_add(waiters, A) && vfa_waiters_add(waiters, B) &&
          vfa_waiters_add(waiters, A));
    CHECK(!vfa_waiters_is_empty(waiters));
    CHECK(vfa_waiters_counter_changed(waiters, 0));
    CHECK(!vfa_waiters_counter_changed(waiters, 0));
    CHECK(vfa_waiters_counter_changed(waiters, 7));
    CHECK(vfa_waiters_take(waiters, uuid) && strcmp(uuid, A) == 0);
    CHECK(vfa_waiters_add(waiters, A)); /* no device: at the end again */
    CHECK(vfa_waiters_take(waiters, uuid) && strcmp(uuid, B) == 0);
    vfa_waiters_free(waiters);
}

/* The domain that is woken next, as a letter; '-': none. */
static char wake(struct vfa_waiters *waiters)
{
    char uuid[VFA_UUID_SIZE];

    return vfa_waiters_wake(waiters, uuid) ? uuid[0] : '-';
}

static struct vfa_waiters *three_wait(void)
{
    struct vfa_waiters *waiters = vfa_waiters_new();

    CHECK(vfa_waiters_freed(waiters, 10, false));
    CHECK(wake(waiters) == '-');
    CHECK(vfa_waiters_add(waiters, A) && vfa_waiters_add(waiters, B) &&
          vfa_waiters_add(waiters, C));
    CHECK(!vfa_waiters_freed(waiters, 10, false));
    return waiters;
}

static void test_one_look_a_device(void)
{
    struct vfa_waiters *waiters = three_wait();

    CHECK(vfa_waiters_freed(waiters, 11, false));
    CHECK(wake(waiters) == 'a' && wake(waiters) == '-');
    CHECK(vfa_waiters_add(waiters, A));
    vfa_waiters_serve(waiters, A);
    CHECK(!vfa_waiters_end(waiters, A));
    CHECK(wake(waiters) == '-');
    CHECK(vfa_waiters_freed(waiters, 13, false)); /* two devices; A waits no longer */
    CHECK(wake(waiters) == 'b' && wake(waiters) == 'c' && wake(waiters) == '-');
    vfa_waiters_free(waiters);
}

static void test_next_one_in_its_place(void)
{
    struct vfa_waiters *waiters = three_wait();

    CHECK(vfa_waiters_freed(waiters, 11, false));
    CHECK(wake(waiters) == 'a');
    CHECK(vfa_waiters_add(waiters, A));
    CHECK(vfa_waiters_end(waiters, A)); /* A got no device */
    CHECK(wake(waiters) == 'b' && wake(waiters) == '-');
    CHECK(vfa_waiters_end(waiters, B)); /* B was not added again */
    CHECK(!vfa_waiters_end(waiters, B));
    CHECK(wake(waiters) == 'c');
    CHECK(vfa_waiters_add(waiters, C) && vfa_waiters_end(waiters, C));
    CHECK(wake(waiters) == '-'); /* all were woken */
    CHECK(vfa_waiters_freed(waiters, 12, false));
    CHECK(wake(waiters) == 'a'); /* A is still the first */
    vfa_waiters_free(waiters);
}

static void test_nobody_knows_how_many(void)
{
    struct vfa_waiters *waiters = three_wait();

    CHECK(vfa_waiters_freed(waiters, 11, true));
    CHECK(wake(waiters) == 'a' && wake(waiters) == 'b' && wake(waiters) == 'c' &&
          wake(waiters) == '-');
    CHECK(vfa_waiters_add(waiters, B) && vfa_waiters_end(waiters, B));
    CHECK(wake(waiters) == '-');
    CHECK(vfa_waiters_freed(waiters, 0, false)); /* another state file */
    CHECK(wake(waiters) == 'a' && wake(waiters) == 'b' && wake(waiters) == 'c' &&
          wake(waiters) == '-');
    vfa_waiters_free(waiters);
}

int main(void)
{
    test_merging();
    test_again_while_taken();
    test_delay();
    test_workers();
    test_stop();
    test_pace();
    test_back_off();
    test_turns();
    test_held();
    test_held_for();
    test_age();
    test_late();
    test_one_look_a_device();
    test_next_one_in_its_place();
    test_nobody_knows_how_many();
    return check_result();
}
