/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The workers: they take one key from the queue, do what its reasons say, and put it back with a
 * delay where it has to be looked at again. What concerns the host as a whole is done here; one
 * running domain is the business of daemon-reconcile.c, one definition of daemon-definition.c.
 *
 * Without a connection there is nothing to do for domains: the next one begins with all of them.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "daemon.h"
#include "gc.h"
#include "log.h"
#include "virt-error.h"

#define RETRY_MS     5000 /* after an error of the state file, of memory, of libvirt */
#define GC_YOUNG_MS  2000
#define GC_PERIOD_MS 60000 /* incoming claims expire without any event */

int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err)
{
    bool synced = true;
    int r = vfa_host_open(config, ret, err);

    if (r != 0)
        return r;
    ret->warn = vfa_log_warning;
    r = vfa_state_synced(ret->state, &synced, err);
    if (r == 0 && !synced)
        vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC, 0);
    return r;
}

/* ---- the index ---- */

static int refresh_index(struct vfa_daemon *daemon, const struct vfa_config *config, bool always,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    bool fresh = false;
    size_t n = 0;
    int r = vfa_daemon_open_host(daemon, config, &host, err);

    if (r == 0 && !always)
        r = vfa_state_index_fresh(host.state, config, &fresh, err);
    if (r == 0 && !fresh) {
        r = vfa_allocate_rescan(&host, &n, err);
        if (r == 0)
            vfa_log(LOG_DEBUG, "the index has %zu devices", n);
    }
    return r;
}

static void work_index(struct vfa_daemon *daemon, const struct vfa_config *config, unsigned reasons)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (refresh_index(daemon, config, reasons & VFA_WORK_RESCAN, &err) == 0) {
        vfa_log_forget(VFA_WORK_INDEX_KEY);
        return;
    }
    vfa_log_change(VFA_WORK_INDEX_KEY, LOG_ERR, "%s", vfa_error_text(&err));
    vfa_queue_add(daemon->queue, VFA_WORK_INDEX_KEY, reasons, RETRY_MS);
}

/* ---- who waits for a device ---- */

/* Only reads, and only if somebody waits: see daemon-watch.c. */
static int read_freed(struct vfa_daemon *daemon, const struct vfa_config *config, bool *ret_news,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int64_t freed = 0;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_counter(state, VFA_COUNTER_FREED, &freed, err);
    *ret_news = r == 0 && vfa_late_is_news(daemon->late, freed);
    return r;
}

static void work_late(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    char uuid[VFA_UUID_SIZE];
    bool news;

    if (vfa_late_is_empty(daemon->late))
        return;
    if (read_freed(daemon, config, &news, &err) < 0) {
        vfa_log_change(VFA_WORK_LATE_KEY, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_queue_add(daemon->queue, VFA_WORK_LATE_KEY, VFA_WORK_FREED, RETRY_MS);
        return;
    }
    vfa_log_forget(VFA_WORK_LATE_KEY);
    while (news && vfa_late_take(daemon->late, uuid))
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
}

/* ---- all domains ---- */

static int set_synced(struct vfa_daemon *daemon, const struct vfa_config *config,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    int r = vfa_host_open(config, &host, err);

    return r == 0 ? vfa_state_set_synced(host.state, err) : r;
}

/* A domain whose XML cannot be understood keeps nobody else waiting: it is logged, and counted as
 * done. */
static int sync_domain(struct vfa_daemon *daemon, const struct vfa_config *config,
                       virDomainPtr domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    char uuid[VIR_UUID_STRING_BUFLEN];
    int r;

    if (virDomainGetUUIDString(domain, uuid) < 0)
        return vfa_virt_fail(err, "cannot ask for the UUID of '%s'", virDomainGetName(domain));
    r = vfa_reconcile_reassert(config, domain, &why);
    if (r < 0 && r != -EINVAL && r != -ENOENT)
        return vfa_fail(err, -r, "%s", vfa_error_text(&why));
    vfa_queue_add(daemon->queue, uuid, VFA_WORK_DEFINITION | VFA_WORK_RECONCILE, 0);
    return 0;
}

static int sync_all(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                    struct vfa_error *err)
{
    virDomainPtr *domains = NULL;
    int n = virConnectListAllDomains(conn, &domains, 0);
    int r = 0;

    if (n < 0)
        return vfa_virt_fail(err, "cannot list the domains");
    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = sync_domain(daemon, config, domains[i], err);
        virDomainFree(domains[i]);
    }
    free(domains);
    if (r == 0)
        r = set_synced(daemon, config, err);
    return r == 0 ? vfa_definition_sync(daemon, config, err) : r;
}

/* ---- claims without a domain ---- */

static unsigned gc_all(struct vfa_daemon *daemon, virConnectPtr conn,
                       const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    size_t n = 0;
    int r = vfa_daemon_open_host(daemon, config, &host, &err);

    if (r == 0)
        r = vfa_gc(conn, &host, NULL, &n, &err);
    if (r < 0)
        vfa_log_change("gc", LOG_WARNING, "%s", vfa_error_text(&err));
    else
        vfa_log_forget("gc");
    if (n > 0)
        vfa_log(LOG_INFO, "released %zu claims that no running domain backed", n);
    return r == VFA_GC_AGAIN ? GC_YOUNG_MS : GC_PERIOD_MS;
}

/* ---- domains of which a program has borrowed devices ---- */

static void look_at_borrowed(void *opaque, const char *uuid)
{
    struct vfa_daemon *daemon = opaque;

    vfa_queue_add(daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
}

static void work_borrowed(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    int r = vfa_daemon_open_host(daemon, config, &host, &err);

    if (r == 0)
        r = vfa_state_each_borrowed(host.state, look_at_borrowed, daemon, &err);
    if (r == 0)
        return;
    vfa_log_change("borrowed", LOG_ERR, "%s", vfa_error_text(&err));
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_BORROWED, RETRY_MS);
}

static void work_host(struct vfa_daemon *daemon, virConnectPtr conn,
                      const struct vfa_config *config, unsigned reasons)
{
    if (reasons & VFA_WORK_SYNC) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

        if (sync_all(daemon, conn, config, &err) < 0) {
            vfa_log_change("sync", LOG_WARNING, "%s", vfa_error_text(&err));
            vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC, RETRY_MS);
        } else {
            vfa_log_forget("sync");
        }
    }
    if (reasons & VFA_WORK_BORROWED)
        work_borrowed(daemon, config);
    if (reasons & VFA_WORK_GC)
        vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_GC, gc_all(daemon, conn, config));
}

/* ---- one domain ---- */

/* What its user took out by hand, and what failed too often, is tried again. */
static int forget_past(struct vfa_daemon *daemon, const struct vfa_config *config, const char *uuid,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    int r = vfa_daemon_open_host(daemon, config, &host, err);

    if (r == 0)
        r = vfa_state_forget_withdrawals(host.state, uuid, err);
    if (r == 0)
        r = vfa_state_claims(host.state, uuid, &claims, err);
    for (size_t i = 0; r == 0 && i < claims.n; i++) {
        if (claims.items[i].attempts > 0)
            r = vfa_state_set_claim_error(host.state, uuid, claims.items[i].request, NULL, err);
    }
    return r;
}

static void work_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                        const struct vfa_config *config, const struct vfa_work *work)
{
    unsigned again = VFA_LOOK_DONE;

    if (work->reasons & VFA_WORK_DEFINITION)
        vfa_definition_look(daemon, conn, config, work->key);
    if (work->reasons & VFA_WORK_RECONCILE)
        again = vfa_reconcile_domain(daemon, conn, config, work->key);
    if (again != VFA_LOOK_DONE)
        vfa_queue_add(daemon->queue, work->key, VFA_WORK_RECONCILE, again);
}

/* Comes before anything that needs libvirt: it must not be lost with a connection. */
static void work_asked(struct vfa_daemon *daemon, const struct vfa_config *config, const char *uuid)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    vfa_daemon_forget(daemon, uuid);
    if (forget_past(daemon, config, uuid, &err) < 0) {
        vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_ASKED | VFA_WORK_RECONCILE, RETRY_MS);
    }
}

static void work_one(struct vfa_daemon *daemon, const struct vfa_work *work)
{
    VFA_AUTO(vfa_shared_config_unref) struct vfa_shared_config *shared = vfa_daemon_config(daemon);
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    const struct vfa_config *config = shared->config;

    if (strcmp(work->key, VFA_WORK_INDEX_KEY) == 0) {
        work_index(daemon, config, work->reasons);
        return;
    }
    if (strcmp(work->key, VFA_WORK_LATE_KEY) == 0) {
        work_late(daemon, config);
        vfa_definition_news(daemon, config);
        return;
    }
    if (work->reasons & VFA_WORK_ASKED)
        work_asked(daemon, config, work->key);
    conn = vfa_daemon_connection(daemon);
    if (!conn)
        return;
    if (strcmp(work->key, VFA_WORK_HOST) == 0)
        work_host(daemon, conn, config, work->reasons);
    else
        work_domain(daemon, conn, config, work);
}

void *vfa_daemon_worker(void *opaque)
{
    struct vfa_daemon *daemon = opaque;
    struct vfa_work work;

    while (vfa_queue_take(daemon->queue, &work)) {
        work_one(daemon, &work);
        vfa_queue_done(daemon->queue, &work);
    }
    return NULL;
}
