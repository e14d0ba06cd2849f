/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to libvirt: opened in a loop with back-off, since the daemon starts before
 * libvirtd (so that autostarted domains find it) and outlives it; and the events that come over it.
 *
 * The callbacks run in the event loop's thread and must not call libvirt: they put the domain's
 * UUID into the queue, no more. Events that were lost with a connection do not matter: each new one
 * begins with a look at every domain.
 */
#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "clock.h"
#include "daemon.h"
#include "log.h"
#include "virt-error.h"

#define BACKOFF_FIRST_MS   100
#define BACKOFF_MAX_MS     5000
#define KEEPALIVE_INTERVAL 5 /* seconds; the connection counts as dead after COUNT of them */
#define KEEPALIVE_COUNT    6
#define LOG_KEY            "connection"

static void look_at(struct vfa_daemon *daemon, virDomainPtr domain, unsigned reasons)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (virDomainGetUUIDString(domain, uuid) == 0)
        vfa_queue_add(daemon->queue, uuid, reasons, 0);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail,
                        void *opaque)
{
    switch (event) {
    case VIR_DOMAIN_EVENT_DEFINED:
    case VIR_DOMAIN_EVENT_UNDEFINED:
        look_at(opaque, domain, VFA_WORK_DEFINITION);
        break;
    case VIR_DOMAIN_EVENT_STARTED:
    case VIR_DOMAIN_EVENT_RESUMED:
    case VIR_DOMAIN_EVENT_STOPPED:
        look_at(opaque, domain, VFA_WORK_RECONCILE);
        break;
    default:
        break;
    }
    return 0;
}

/* libvirt does not tell whether the live or the persistent metadata changed: both are looked at. */
static void on_metadata(virConnectPtr conn, virDomainPtr domain, int type, const char *uri,
                        void *opaque)
{
    if (type == VIR_DOMAIN_METADATA_ELEMENT && uri && strcmp(uri, VFA_NS) == 0)
        look_at(opaque, domain, VFA_WORK_ASKED | VFA_WORK_RECONCILE | VFA_WORK_DEFINITION);
}

static void on_device(virConnectPtr conn, virDomainPtr domain, const char *device, void *opaque)
{
    look_at(opaque, domain, VFA_WORK_RECONCILE);
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
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
};

struct link {
    virConnectPtr conn;
    int callbacks[ARRAY_SIZE(events)];
};

static void disconnect(struct link *link)
{
    if (!link->conn)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        if (link->callbacks[i] >= 0)
            virConnectDomainEventDeregisterAny(link->conn, link->callbacks[i]);
    }
    virConnectUnregisterCloseCallback(link->conn, on_close);
    virConnectClose(link->conn);
    link->conn = NULL;
}

static int subscribe(struct vfa_daemon *daemon, struct link *link, struct vfa_error *err)
{
    if (virConnectRegisterCloseCallback(link->conn, on_close, daemon, NULL) < 0)
        return vfa_virt_fail(err, "cannot watch the connection to '%s'", daemon->uri);
    if (virConnectSetKeepAlive(link->conn, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT) < 0 &&
        virGetLastErrorCode() != VIR_ERR_NO_SUPPORT) /* a driver inside this process */
        return vfa_virt_fail(err, "cannot keep the connection to '%s' alive", daemon->uri);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        link->callbacks[i] = virConnectDomainEventRegisterAny(link->conn, NULL, events[i].id,
                                                              events[i].function, daemon, NULL);
        if (link->callbacks[i] < 0)
            return vfa_virt_fail(err, "cannot get events from '%s'", daemon->uri);
    }
    return 0;
}

static int connect_once(struct vfa_daemon *daemon, struct link *link, struct vfa_error *err)
{
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        link->callbacks[i] = -1;
    pthread_mutex_lock(&daemon->lock);
    daemon->lost = false;
    pthread_mutex_unlock(&daemon->lock);
    link->conn = virConnectOpen(daemon->uri);
    if (!link->conn)
        return vfa_virt_fail(err, "cannot connect to '%s'", daemon->uri);
    r = subscribe(daemon, link, err);
    if (r < 0)
        disconnect(link);
    return r;
}

static void set_connection(struct vfa_daemon *daemon, virConnectPtr conn)
{
    pthread_mutex_lock(&daemon->lock);
    daemon->conn = conn;
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

static void serve(struct vfa_daemon *daemon, struct link *link)
{
    vfa_log_forget(LOG_KEY);
    vfa_log(LOG_INFO, "connected to '%s'", daemon->uri);
    sd_notifyf(0, "STATUS=Connected to %s", daemon->uri);
    set_connection(daemon, link->conn);
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC | VFA_WORK_GC, 0);
    wait_for_loss(daemon);
    set_connection(daemon, NULL);
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
            serve(daemon, &link);
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

virConnectPtr vfa_daemon_connection(struct vfa_daemon *daemon)
{
    virConnectPtr conn;

    pthread_mutex_lock(&daemon->lock);
    conn = daemon->conn;
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

void vfa_connection_unref(virConnectPtr *conn)
{
    if (*conn)
        virConnectClose(*conn);
}

void vfa_virt_domain_unref(virDomainPtr *domain)
{
    if (*domain)
        virDomainFree(*domain);
}
