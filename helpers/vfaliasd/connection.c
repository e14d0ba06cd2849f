/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connections to libvirt, and the events that come over the first of them. All connections are
 * opened and closed together, in a loop with back-off: the daemon starts before libvirtd, so that
 * autostarted domains find it, and goes on when libvirtd ends.
 *
 * The callbacks run in the event loop's thread and must not call libvirt: they only put the
 * domain's UUID into the queues. Events that are lost with a connection do not matter: a sync of
 * all domains follows each new connection.
 */

#include "connection.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "daemon.h"
#include "queue.h"
#include "rate.h"
#include "turn.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define BACKOFF_FIRST_MS   100
#define BACKOFF_MAX_MS     5000
#define KEEPALIVE_INTERVAL 5 /* seconds; COUNT intervals without an answer: dead */
#define KEEPALIVE_COUNT    6
#define LOG_KEY            "connection"

static void queue_domain(struct vfa_daemon *daemon, virDomainPtr domain, unsigned reasons)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (virDomainGetUUIDString(domain, uuid) == 0)
        vfa_queue_add(daemon->queue, uuid, reasons, 0);
}

/* Queued before the worker's pass: the guest is suspended before it gets its devices. */
static void queue_hold(struct vfa_daemon *daemon, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (virDomainGetUUIDString(domain, uuid) < 0)
        return;
    vfa_turn_started(daemon->turns, uuid);
    vfa_queue_add(daemon->holds, uuid, VFA_WORK_HOLD, 0);
}

static void forget_turn(struct vfa_daemon *daemon, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (virDomainGetUUIDString(domain, uuid) == 0)
        vfa_turn_forget(daemon->turns, uuid);
}

static int on_lifecycle_event(virConnectPtr conn, virDomainPtr domain, int event, int detail,
                              void *opaque)
{
    switch (event) {
    case VIR_DOMAIN_EVENT_DEFINED:
    case VIR_DOMAIN_EVENT_UNDEFINED:
        queue_domain(opaque, domain, VFA_WORK_DEFINITION);
        break;
    case VIR_DOMAIN_EVENT_STARTED:
    case VIR_DOMAIN_EVENT_RESUMED:
        queue_hold(opaque, domain);
        queue_domain(opaque, domain, VFA_WORK_RECONCILE);
        break;
    case VIR_DOMAIN_EVENT_STOPPED:
        forget_turn(opaque, domain);
        queue_domain(opaque, domain, VFA_WORK_RECONCILE);
        break;
    default:
        break;
    }
    return 0;
}

/* A program may write the requests in a loop: vfa_rate_ask() delays these passes. */
static void queue_requests(struct vfa_daemon *daemon, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN], key[VFA_WRITTEN_KEY_SIZE];
    bool storm = false;
    unsigned ms;

    if (virDomainGetUUIDString(domain, uuid) < 0)
        return;
    ms = vfa_rate_ask(daemon->request_rate, uuid, vfa_clock_ms(), &storm);
    vfa_queue_add(daemon->queue, uuid,
                  (ms == 0 ? VFA_WORK_REQUESTS_CHANGED : VFA_WORK_STORM) | VFA_WORK_RECONCILE |
                      VFA_WORK_DEFINITION,
                  ms);
    vfa_daemon_written_key(uuid, key);
    if (ms == 0)
        vfa_log_forget(key);
    if (storm)
        vfa_log_change(
            key, LOG_WARNING,
            "domain '%s': its requests are written all the time, checking them once a second",
            virDomainGetName(domain));
}

/* libvirt does not say whether the live or the persistent metadata changed: both are checked. */
static void on_metadata_event(virConnectPtr conn, virDomainPtr domain, int type, const char *uri,
                              void *opaque)
{
    if (type == VIR_DOMAIN_METADATA_ELEMENT && uri && strcmp(uri, VFA_NS) == 0)
        queue_requests(opaque, domain);
}

static void on_device_event(virConnectPtr conn, virDomainPtr domain, const char *device,
                            void *opaque)
{
    queue_domain(opaque, domain, VFA_WORK_RECONCILE);
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
    struct vfa_daemon *daemon = opaque;

    pthread_mutex_lock(&daemon->lock);
    daemon->lost = true;
    pthread_cond_broadcast(&daemon->changed);
    pthread_mutex_unlock(&daemon->lock);
}

static const struct {
    int id;
    virConnectDomainEventGenericCallback function;
} events[] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle_event)},
    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata_event)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device_event)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device_event)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_device_event)},
};

struct link {
    virConnectPtr conns[VFA_DAEMON_LINES];
    int callbacks[ARRAY_SIZE(events)];
};

static void disconnect(struct link *link)
{
    for (size_t i = 0; link->conns[0] && i < ARRAY_SIZE(events); i++) {
        if (link->callbacks[i] >= 0)
            virConnectDomainEventDeregisterAny(link->conns[0], link->callbacks[i]);
    }
    for (size_t i = VFA_DAEMON_LINES; i-- > 0;) {
        if (link->conns[i] && (i == 0 || link->conns[i] != link->conns[0]))
            virConnectUnregisterCloseCallback(link->conns[i], on_close);
        vfa_connection_unref(&link->conns[i]);
        link->conns[i] = NULL;
    }
}

/* *ret_here: the driver runs inside this process, and takes any number of calls at a time. */
static int watch_connection(struct vfa_daemon *daemon, virConnectPtr conn, bool *ret_here,
                            struct vfa_error *err)
{
    if (virConnectRegisterCloseCallback(conn, on_close, daemon, NULL) < 0)
        return vfa_virt_fail(err, "cannot watch the connection to '%s'", daemon->uri);
    *ret_here = false;
    if (virConnectSetKeepAlive(conn, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT) >= 0)
        return 0;
    if (virGetLastErrorCode() != VIR_ERR_NO_SUPPORT)
        return vfa_virt_fail(err, "cannot keep the connection to '%s' alive", daemon->uri);
    *ret_here = true;
    return 0;
}

static int subscribe(struct vfa_daemon *daemon, struct link *link, struct vfa_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        link->callbacks[i] = virConnectDomainEventRegisterAny(link->conns[0], NULL, events[i].id,
                                                              events[i].function, daemon, NULL);
        if (link->callbacks[i] < 0)
            return vfa_virt_fail(err, "cannot get events from '%s'", daemon->uri);
    }
    return 0;
}

static int open_one(struct vfa_daemon *daemon, virConnectPtr *ret, bool *ret_here,
                    struct vfa_error *err)
{
    *ret = virConnectOpen(daemon->uri);
    if (!*ret)
        return vfa_virt_fail(err, "cannot connect to '%s'", daemon->uri);
    return watch_connection(daemon, *ret, ret_here, err);
}

/* Each connection to a driver inside this process may have its own domains: then all share one. */
static int open_all(struct vfa_daemon *daemon, struct link *link, struct vfa_error *err)
{
    bool here = false;
    int r = open_one(daemon, &link->conns[0], &here, err);

    for (size_t i = 1; r == 0 && i < VFA_DAEMON_LINES; i++) {
        if (!here)
            r = open_one(daemon, &link->conns[i], &here, err);
        else if (virConnectRef(link->conns[0]) == 0)
            link->conns[i] = link->conns[0];
    }
    return r == 0 ? subscribe(daemon, link, err) : r;
}

static int connect_once(struct vfa_daemon *daemon, struct link *link, struct vfa_error *err)
{
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        link->callbacks[i] = -1;
    pthread_mutex_lock(&daemon->lock);
    daemon->lost = false;
    pthread_mutex_unlock(&daemon->lock);
    r = open_all(daemon, link, err);
    if (r < 0)
        disconnect(link);
    return r;
}

/* link NULL: not connected. */
static void set_connections(struct vfa_daemon *daemon, const struct link *link)
{
    pthread_mutex_lock(&daemon->lock);
    for (size_t i = 0; i < VFA_DAEMON_LINES; i++)
        daemon->conns[i] = link ? link->conns[i] : NULL;
    daemon->connected = (int64_t)time(NULL);
    pthread_mutex_unlock(&daemon->lock);
}

static void wait_for_loss(struct vfa_daemon *daemon)
{
    pthread_mutex_lock(&daemon->lock);
    while (!daemon->lost && !daemon->stopping)
        pthread_cond_wait(&daemon->changed, &daemon->lock);
    pthread_mutex_unlock(&daemon->lock);
}

/* True if the daemon is stopping. */
static bool wait_ms(struct vfa_daemon *daemon, unsigned ms)
{
    struct timespec until = vfa_clock_timespec(vfa_clock_ms() + ms);
    bool stopping;
    int r = 0;

    pthread_mutex_lock(&daemon->lock);
    while (!daemon->stopping && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&daemon->changed, &daemon->lock, &until);
    stopping = daemon->stopping;
    pthread_mutex_unlock(&daemon->lock);
    return stopping;
}

static void serve_connection(struct vfa_daemon *daemon, struct link *link)
{
    vfa_log_forget(LOG_KEY);
    vfa_log(LOG_INFO, "connected to '%s'", daemon->uri);
    sd_notifyf(0, "STATUS=Connected to %s", daemon->uri);
    set_connections(daemon, link);
    vfa_queue_add(daemon->holds, VFA_WORK_HOST, VFA_WORK_HOLD, 0);
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC | VFA_WORK_GC, 0);
    wait_for_loss(daemon);
    set_connections(daemon, NULL);
    disconnect(link);
}

void *vfa_daemon_connector(void *opaque)
{
    struct vfa_daemon *daemon = opaque;
    unsigned backoff = BACKOFF_FIRST_MS;

    for (;;) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct link link = {0};

        if (connect_once(daemon, &link, &err) == 0) {
            serve_connection(daemon, &link);
            backoff = BACKOFF_FIRST_MS;
            sd_notifyf(0, "STATUS=Waiting for %s", daemon->uri);
        } else {
            vfa_log_change(LOG_KEY, LOG_INFO, "%s; trying again", vfa_error_text(&err));
        }
        if (wait_ms(daemon, backoff))
            return NULL;
        backoff = backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
    }
}

virConnectPtr vfa_daemon_connection(struct vfa_daemon *daemon, unsigned line)
{
    virConnectPtr conn;

    pthread_mutex_lock(&daemon->lock);
    conn = daemon->conns[line];
    if (conn && virConnectRef(conn) < 0)
        conn = NULL;
    pthread_mutex_unlock(&daemon->lock);
    return conn;
}

int64_t vfa_daemon_connected(struct vfa_daemon *daemon)
{
    int64_t connected;

    pthread_mutex_lock(&daemon->lock);
    connected = daemon->connected;
    pthread_mutex_unlock(&daemon->lock);
    return connected;
}
