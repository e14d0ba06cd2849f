/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's queue and its pacing: what is given out, when, and never twice at a time. */
#include "check.h"
#include "clock.h"
#include "daemon-late.h"
#include "daemon-pace.h"
#include "daemon-queue.h"

#include <pthread.h>
#include <stdatomic.h>

#define A "aaaaaaaa-0000-0000-0000-000000000000"
#define B "bbbbbbbb-0000-0000-0000-000000000000"

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
    vfa_queue_add(queue, A, 4, 10000); /* due already: stays so */
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
    struct vfa_pace *pace = vfa_pace_new();

    CHECK(vfa_pace_left(pace, A "/x") == 0);
    vfa_pace_hold(pace, A "/x", 5000);
    vfa_pace_hold(pace, B "/x", 5000);
    CHECK(vfa_pace_left(pace, A "/x") > 0);
    CHECK(vfa_pace_left(pace, A "/y") == 0);
    vfa_pace_forget(pace, A);
    CHECK(vfa_pace_left(pace, A "/x") == 0);
    CHECK(vfa_pace_left(pace, B "/x") > 0);
    vfa_pace_hold(pace, B "/x", 0);
    CHECK(vfa_pace_left(pace, B "/x") == 0);
    vfa_pace_free(pace);
}

static void test_late(void)
{
    struct vfa_late *late = vfa_late_new();
    char uuid[VFA_UUID_SIZE];

    CHECK(vfa_late_is_empty(late));
    CHECK(!vfa_late_take(late, uuid));
    CHECK(vfa_late_add(late, A) && vfa_late_add(late, B) && vfa_late_add(late, A));
    CHECK(!vfa_late_is_empty(late));
    CHECK(vfa_late_is_news(late, 0));
    CHECK(!vfa_late_is_news(late, 0));
    CHECK(vfa_late_is_news(late, 7));
    CHECK(vfa_late_take(late, uuid) && strcmp(uuid, A) == 0);
    CHECK(vfa_late_add(late, A)); /* found nothing: at the end again */
    CHECK(vfa_late_take(late, uuid) && strcmp(uuid, B) == 0);
    vfa_late_free(late);
}

int main(void)
{
    test_merging();
    test_again_while_taken();
    test_delay();
    test_workers();
    test_stop();
    test_pace();
    test_late();
    return check_result();
}
