/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See shim.h: the one connection, its events and its end. */
#include "shim.h"

#define MANY 64 /* number of callbacks */

struct listener {
    int id; /* id of the event */
    int callback;
    virConnectDomainEventGenericCallback function;
    void *opaque;
};

struct closing {
    virConnectCloseFunc function; /* NULL: unused */
    void *opaque;
};

static struct listener listeners[MANY];
static size_t n_listeners;
static struct closing closings[MANY];
static virConnectPtr shared;

/* ---- events of the shim, in the event loop ---- */

struct event {
    int id;
    virDomainPtr domain; /* NULL: the connections are closed */
    int what, detail;
    char alias[SHIM_NAME_SIZE];
};

static void tell(const struct event *event, const struct listener *to)
{
    if (event->id == VIR_DOMAIN_EVENT_ID_LIFECYCLE)
        ((virConnectDomainEventCallback)(void *)to->function)(shared, event->domain, event->what,
                                                              event->detail, to->opaque);
    else /* both events of devices have the same arguments */
        ((virConnectDomainEventDeviceAddedCallback)(void *)to->function)(shared, event->domain,
                                                                         event->alias, to->opaque);
}

static void on_timer(int timer, void *opaque)
{
    const struct event *event = opaque;
    struct listener to[MANY];
    struct closing ends[MANY];
    size_t n;

    pthread_mutex_lock(&shim_lock);
    memcpy(to, listeners, sizeof(to));
    memcpy(ends, closings, sizeof(ends));
    n = n_listeners;
    pthread_mutex_unlock(&shim_lock);
    virEventRemoveTimeout(timer);
    for (size_t i = 0; i < n && event->domain; i++) {
        if (to[i].id == event->id)
            tell(event, &to[i]);
    }
    for (size_t i = 0; i < MANY && !event->domain; i++) {
        if (ends[i].function)
            ends[i].function(shared, event->what, ends[i].opaque);
    }
}

static void event_free(void *opaque)
{
    struct event *event = opaque;

    if (event->domain)
        virDomainFree(event->domain);
    free(event);
}

static void send_event(const struct event *event)
{
    struct event *copy = malloc(sizeof(*copy));

    if (!copy)
        abort();
    *copy = *event;
    if (copy->domain)
        virDomainRef(copy->domain);
    if (virEventAddTimeout(0, on_timer, copy, event_free) < 0)
        abort();
}

void shim_send_device(int id, virDomainPtr domain, const char *alias)
{
    struct event event = {.id = id, .domain = domain};

    snprintf(event.alias, sizeof(event.alias), "%s", alias);
    send_event(&event);
}

void shim_send_lifecycle(virDomainPtr domain, int what, int detail)
{
    send_event(&(struct event){VIR_DOMAIN_EVENT_ID_LIFECYCLE, domain, what, detail, ""});
}

void shim_send_close(int reason)
{
    send_event(&(struct event){.what = reason});
}

/* ---- the connection ---- */

virConnectPtr shim_connection(void)
{
    virConnectPtr conn;

    pthread_mutex_lock(&shim_lock);
    conn = shared;
    pthread_mutex_unlock(&shim_lock);
    return conn;
}

virConnectPtr virConnectOpen(const char *uri)
{
    virConnectPtr conn;

    if (!shim_begin("virConnectOpen", NULL, NULL))
        return NULL;
    pthread_mutex_lock(&shim_lock);
    if (!shared)
        shared = REAL(virConnectOpen)(uri);
    conn = shared;
    pthread_mutex_unlock(&shim_lock);
    if (conn)
        virConnectRef(conn);
    return conn;
}

int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc function, void *opaque,
                                    virFreeCallback release)
{
    size_t i = 0;

    if (!shim_begin("virConnectRegisterCloseCallback", NULL, NULL))
        return -1;
    pthread_mutex_lock(&shim_lock);
    while (i < MANY - 1 && closings[i].function)
        i++;
    closings[i] = (struct closing){function, opaque};
    pthread_mutex_unlock(&shim_lock);
    return 0;
}

/* Two connections with the same function cannot be told apart: the older callback is removed. */
int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc function)
{
    pthread_mutex_lock(&shim_lock);
    for (size_t i = 0; i < MANY; i++) {
        if (closings[i].function == function) {
            closings[i].function = NULL;
            break;
        }
    }
    pthread_mutex_unlock(&shim_lock);
    return 0;
}

int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr domain, int id,
                                     virConnectDomainEventGenericCallback function, void *opaque,
                                     virFreeCallback release)
{
    int callback;

    if (!shim_begin("virConnectDomainEventRegisterAny", domain, NULL))
        return -1;
    callback = REAL(virConnectDomainEventRegisterAny)(conn, domain, id, function, opaque, release);
    pthread_mutex_lock(&shim_lock);
    if (n_listeners < MANY && callback >= 0)
        listeners[n_listeners++] = (struct listener){id, callback, function, opaque};
    pthread_mutex_unlock(&shim_lock);
    return callback;
}

int virConnectDomainEventDeregisterAny(virConnectPtr conn, int callback)
{
    pthread_mutex_lock(&shim_lock);
    for (size_t i = 0; i < n_listeners; i++) {
        if (listeners[i].callback == callback) {
            listeners[i] = listeners[--n_listeners];
            break;
        }
    }
    pthread_mutex_unlock(&shim_lock);
    return REAL(virConnectDomainEventDeregisterAny)(conn, callback);
}

int virConnectListAllDomains(virConnectPtr conn, virDomainPtr **ret, unsigned flags)
{
    if (!shim_begin("virConnectListAllDomains", NULL, NULL))
        return -1;
    return REAL(virConnectListAllDomains)(conn, ret, flags);
}
