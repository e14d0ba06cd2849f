/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * At the end of the daemon: resumes every guest that waits for its devices. A call may wait in
 * libvirt for the job of a guest, so several threads with their own connections do it, and the
 * caller limits the time. The threads own all that they use, since they may outlive the daemon.
 *
 * Which guests: those of the rows in the state file, and those that this daemon has in memory
 * (turn.h), since the file may be lost, damaged or locked.
 *
 * Order as for the holders: the row is deleted after the guest is resumed. If the row stays, the
 * next daemon handles it.
 */

#include "unhold.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "state/hold.h"
#include "state/state.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "config.h"
#include "daemon.h"
#include "pass.h"
#include "plan.h"
#include "turn.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS     16   /* limit; libvirtd has 20 workers for all its clients */
#define RETRY_MS    200  /* a job of libvirt works on the guest */
#define PATIENCE_MS 1000 /* for a locked state file */
#define LOG_KEY     "unhold"

struct guest {
    struct vfa_hold hold; /* id 0: no row in the state file */
    unsigned id;          /* libvirt's id of the guest; 0: unknown */
};

struct unhold {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct vfa_shared_config *shared;
    char *uri;
    struct guest *guests;
    size_t n;
    atomic_size_t next;
    unsigned running; /* threads, plus 1 for the caller */
    bool holders_ended;
    int64_t until;
};

static void unhold_unref(struct unhold *all)
{
    unsigned running;

    pthread_mutex_lock(&all->lock);
    running = --all->running;
    pthread_cond_signal(&all->ended);
    pthread_mutex_unlock(&all->lock);
    if (running > 0)
        return;
    free(all->guests);
    vfa_shared_config_unref(&all->shared);
    pthread_cond_destroy(&all->ended);
    pthread_mutex_destroy(&all->lock);
    free(all->uri);
    free(all);
}

/* ---- one guest ---- */

static int forget_hold(const struct unhold *all, const struct vfa_hold *hold, struct vfa_error *err)
{
    const struct vfa_config *config = all->shared->config;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_WRITE, &state, err);

    return r == 0 ? vfa_state_end_hold(state, hold, err) : r;
}

/* -ETIMEDOUT: try again. A holder that waits for libvirt may be about to suspend a guest that
 * runs. */
static int resume_guest(const struct unhold *all, virDomainPtr domain, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int known = vfa_pass_run(domain, &run, err);

    if (known < 0)
        return known;
    if (known == 0 && run == VFA_RUN_BOOTED && !all->holders_ended)
        return vfa_fail(err, ETIMEDOUT, "domain '%s' is being suspended", virDomainGetName(domain));
    if (known != 0 || run != VFA_RUN_PAUSED)
        return 0;
    known = vfa_pass_resume(domain, err);
    if (known < 0)
        return known;
    vfa_log(LOG_INFO, "domain '%s': resumed, its devices will be attached by the next vfaliasd",
            virDomainGetName(domain));
    return 0;
}

static int resume_patiently(const struct unhold *all, virDomainPtr domain, struct vfa_error *err)
{
    const struct timespec pause = vfa_clock_timespec(RETRY_MS);
    int r = resume_guest(all, domain, err);

    while (r == -ETIMEDOUT && vfa_clock_ms() + RETRY_MS < all->until) {
        nanosleep(&pause, NULL);
        r = resume_guest(all, domain, err);
    }
    return r;
}

/* A guest of another start must not be resumed. */
static bool is_same_start(const struct guest *guest, virDomainPtr domain)
{
    return guest->id == 0 || virDomainGetID(domain) == guest->id;
}

static int unhold_guest(const struct unhold *all, virConnectPtr conn, const struct guest *guest,
                        struct vfa_error *err)
{
    const char *uuid = guest->hold.uuid;
    VFA_AUTO(vfa_virt_domain_unref)
    virDomainPtr domain = virDomainLookupByUUIDString(conn, uuid);
    int r = 0;

    if (!domain)
        return vfa_virt_fail(err, "cannot find domain '%s'", uuid);
    if (is_same_start(guest, domain))
        r = resume_patiently(all, domain, err);
    return r == 0 && guest->hold.id ? forget_hold(all, &guest->hold, err) : r;
}

/* ---- all of them ---- */

static void unhold_some(struct unhold *all, virConnectPtr conn)
{
    size_t i;

    while ((i = all->next++) < all->n) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

        if (unhold_guest(all, conn, &all->guests[i], &err) < 0)
            vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
    }
}

/* libvirtd may be restarted at the same time; its guests go on running. */
static virConnectPtr connect_patiently(const struct unhold *all)
{
    const struct timespec pause = vfa_clock_timespec(RETRY_MS);
    virConnectPtr conn = virConnectOpen(all->uri);

    while (!conn) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

        vfa_virt_fail(&err, "cannot connect to '%s'", all->uri);
        vfa_log_change(LOG_KEY, LOG_ERR, "%s", vfa_error_text(&err));
        if (vfa_clock_ms() + RETRY_MS >= all->until)
            return NULL;
        nanosleep(&pause, NULL);
        conn = virConnectOpen(all->uri);
    }
    return conn;
}

static void *unhold_thread(void *opaque)
{
    struct unhold *all = opaque;
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = connect_patiently(all);

    vfa_state_set_patience(PATIENCE_MS);
    if (conn)
        unhold_some(all, conn);
    unhold_unref(all);
    return NULL;
}

/* ---- which guests ---- */

static int read_all_holds(const struct vfa_config *config, struct vfa_holds *ret,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_holds(state, NULL, ret, err);
    return r < 0 ? r : 0;
}

static bool is_known(const struct unhold *all, const char *uuid)
{
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->guests[i].hold.uuid, uuid) == 0)
            return true;
    }
    return false;
}

/* For a guest with a row and an entry in memory, the row is used. */
static int list_guests(struct unhold *all, const struct vfa_holds *holds,
                       const struct vfa_held_guest *held, size_t n_held, struct vfa_error *err)
{
    all->guests = calloc(holds->n + n_held + 1, sizeof(*all->guests));
    if (!all->guests)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < holds->n; i++) {
        if (holds->items[i].held)
            all->guests[all->n++].hold = holds->items[i];
    }
    for (size_t i = 0; i < n_held; i++) {
        struct guest *guest = &all->guests[all->n];

        if (is_known(all, held[i].uuid))
            continue;
        memcpy(guest->hold.uuid, held[i].uuid, sizeof(guest->hold.uuid));
        guest->id = held[i].id;
        all->n++;
    }
    return 0;
}

/* If the rows cannot be read, uses the guests in memory alone. */
static int find_guests(struct unhold *all, struct vfa_turns *turns, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    VFA_AUTO(vfa_freep) struct vfa_held_guest *held = NULL;
    size_t n_held = vfa_turn_all_held(turns, &held);

    if (n_held == SIZE_MAX)
        return vfa_fail_oom(err);
    if (read_all_holds(all->shared->config, &holds, &why) < 0)
        vfa_log(LOG_ERR, "%s", vfa_error_text(&why));
    return list_guests(all, &holds, held, n_held, err);
}

static struct unhold *unhold_new(struct vfa_daemon *daemon, bool holders_ended, int64_t until,
                                 struct vfa_error *err)
{
    struct unhold *all = calloc(1, sizeof(*all));
    pthread_condattr_t attr;
    int r;

    if (!all) {
        vfa_fail_oom(err);
        return NULL;
    }
    pthread_mutex_init(&all->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&all->ended, &attr);
    pthread_condattr_destroy(&attr);
    all->running = 1;
    all->holders_ended = holders_ended;
    all->until = until;
    all->shared = vfa_daemon_config(daemon);
    all->uri = strdup(daemon->uri);
    r = all->uri ? find_guests(all, daemon->turns, err) : vfa_fail_oom(err);
    if (r == 0)
        return all;
    unhold_unref(all);
    return NULL;
}

static void start_unholders(struct unhold *all)
{
    for (size_t i = 0; i < all->n && i < THREADS; i++) {
        pthread_t thread;

        pthread_mutex_lock(&all->lock);
        all->running++;
        pthread_mutex_unlock(&all->lock);
        if (pthread_create(&thread, NULL, unhold_thread, all) == 0)
            pthread_detach(thread);
        else
            unhold_unref(all);
    }
}

bool vfa_unhold_all(struct vfa_daemon *daemon, bool holders_ended, int64_t until)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct timespec end = vfa_clock_timespec(until);
    struct unhold *all;
    int r = 0;

    vfa_state_set_patience(PATIENCE_MS);
    all = unhold_new(daemon, holders_ended, until, &err);
    if (!all) {
        vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
        return true;
    }
    start_unholders(all);
    pthread_mutex_lock(&all->lock);
    while (all->running > 1 && r == 0)
        r = pthread_cond_timedwait(&all->ended, &all->lock, &end);
    pthread_mutex_unlock(&all->lock);
    unhold_unref(all);
    return r == 0;
}

bool vfa_unhold_needed(struct vfa_daemon *daemon)
{
    VFA_AUTO(vfa_shared_config_unref) struct vfa_shared_config *shared = vfa_daemon_config(daemon);
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    VFA_AUTO(vfa_freep) struct vfa_held_guest *held = NULL;

    if (vfa_turn_all_held(daemon->turns, &held) > 0)
        return true;
    if (read_all_holds(shared->config, &holds, NULL) < 0)
        return false;
    for (size_t i = 0; i < holds.n; i++) {
        if (holds.items[i].held)
            return true;
    }
    return false;
}
