/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See guest-watch.h. `lock` guards `news` and `users`. A callback may still run while the watch is
 * freed; each callback has a reference, which libvirt returns when the callback has ended. */

#include "guest-watch.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "helpers/shared/virt-error.h"

#include <pthread.h>
#include <string.h>

#define IDLE_MS            500
#define KEEPALIVE_INTERVAL 5 /* seconds; the connection is closed after COUNT unanswered messages */
#define KEEPALIVE_COUNT    6

enum { EVENTS = 4 };

struct vfa_watch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    virConnectPtr conn;
    int callbacks[EVENTS];
    bool news;
    unsigned users; /* references: the owner's, and one for each callback */
};

static void *run_events(void *unused)
{
    for (;;) {
        if (virEventRunDefaultImpl() < 0)
            return NULL; /* waits then end at their timeout */
    }
}

int vfa_watch_start(struct vfa_error *err)
{
    pthread_t thread;
    int r;

    if (virEventRegisterDefaultImpl() < 0)
        return vfa_virt_fail(err, "cannot start the event loop");
    r = pthread_create(&thread, NULL, run_events, NULL);
    if (r != 0)
        return vfa_fail(err, r, "cannot start a thread: %s", strerror(r));
    pthread_detach(thread);
    return 0;
}

/* Fails for drivers inside this process, which need no keepalive. */
void vfa_watch_keep_alive(virConnectPtr conn)
{
    (void)virConnectSetKeepAlive(conn, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT);
}

static void watch_unref(void *opaque)
{
    struct vfa_watch *watch = opaque;
    unsigned users;

    pthread_mutex_lock(&watch->lock);
    users = --watch->users;
    pthread_mutex_unlock(&watch->lock);
    if (users > 0)
        return;
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

static void signal_change(struct vfa_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->news = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

static int on_guest_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail,
                              void *opaque)
{
    signal_change(opaque);
    return 0;
}

static void on_guest_device(virConnectPtr conn, virDomainPtr domain, const char *device,
                            void *opaque)
{
    signal_change(opaque);
}

static const struct {
    int id;
    virConnectDomainEventGenericCallback function;
} events[EVENTS] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_guest_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_guest_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_guest_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_guest_device)},
};

static struct vfa_watch *make_watch(virConnectPtr conn)
{
    struct vfa_watch *watch = calloc(1, sizeof(*watch));
    pthread_condattr_t attr;

    if (!watch)
        return NULL;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &attr);
    pthread_condattr_destroy(&attr);
    watch->conn = conn;
    watch->users = 1;
    for (size_t i = 0; i < EVENTS; i++)
        watch->callbacks[i] = -1;
    return watch;
}

int vfa_watch_new(virDomainPtr domain, struct vfa_watch **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_watch_freep) struct vfa_watch *watch = make_watch(virDomainGetConnect(domain));

    if (!watch)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < EVENTS; i++) {
        watch->callbacks[i] = virConnectDomainEventRegisterAny(
            watch->conn, domain, events[i].id, events[i].function, watch, watch_unref);
        if (watch->callbacks[i] < 0)
            return vfa_virt_fail(err, "cannot get events of domain '%s'", virDomainGetName(domain));
        pthread_mutex_lock(&watch->lock);
        watch->users++;
        pthread_mutex_unlock(&watch->lock);
    }
    *ret = vfa_steal(&watch);
    return 0;
}

struct vfa_watch *vfa_watch_free(struct vfa_watch *watch)
{
    if (!watch)
        return NULL;
    for (size_t i = 0; i < EVENTS; i++) {
        if (watch->callbacks[i] >= 0)
            virConnectDomainEventDeregisterAny(watch->conn, watch->callbacks[i]);
    }
    watch_unref(watch);
    return NULL;
}

void vfa_watch_wait(struct vfa_watch *watch, int64_t until)
{
    int64_t idle = vfa_clock_ms() + IDLE_MS;
    struct timespec ts = vfa_clock_timespec(until < idle ? until : idle);
    int r = 0;

    pthread_mutex_lock(&watch->lock);
    while (!watch->news && r == 0)
        r = pthread_cond_timedwait(&watch->changed, &watch->lock, &ts);
    watch->news = false;
    pthread_mutex_unlock(&watch->lock);
}
