/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The workers: a worker takes a key from the queue, does what its reasons say, and requeues the key
 * with a delay if needed. Work for the whole host is done here, a sync in sync.h, a running domain
 * in reconcile.h, a definition in definition.h.
 *
 * Without a connection nothing is done for domains: a sync of all follows the next connection.
 */

#include "worker.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "claim/rescan.h"
#include "helpers/shared/gc.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "backoff.h"
#include "clean.h"
#include "config.h"
#include "connection.h"
#include "crew.h"
#include "daemon.h"
#include "definition.h"
#include "pass.h"
#include "queue.h"
#include "reconcile.h"
#include "release.h"
#include "sync.h"
#include "waiters.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define RETRY_MS     5000 /* after an error of the state file, memory or libvirt */
#define GC_YOUNG_MS  2000
#define GC_PERIOD_MS 60000 /* incoming claims expire without an event */

/* ---- the index ---- */

static int refresh_index(struct vfa_daemon *daemon, const struct vfa_config *config, bool always,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool fresh = false;
    size_t n = 0;
    int r = vfa_daemon_open_host(daemon, config, &host, err);

    if (r == 0 && !always)
        r = vfa_state_index_fresh(host.state, config, &fresh, err);
    if (r == 0 && !fresh) {
        r = vfa_rescan(&host, true, &n, err);
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

/* ---- domains that wait for a device ---- */

/* Only reads the state: a write would cause the next event (watch.h). VFA_COUNTER_FREED counts a
 * rescan as one device, whatever it found: so after a rescan all waiting domains are woken. */
static int read_freed(struct vfa_daemon *daemon, const struct vfa_config *config,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int64_t freed = 0, scans = 0;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_counter(state, VFA_COUNTER_FREED, &freed, err);
    if (r == 0)
        r = vfa_state_counter(state, VFA_COUNTER_SCANS, &scans, err);
    if (r == 0)
        vfa_waiters_freed(daemon->waiters, freed, atomic_exchange(&daemon->scans, scans) != scans);
    return r;
}

static void wake_waiters(struct vfa_daemon *daemon)
{
    char uuid[VFA_UUID_SIZE];

    while (vfa_waiters_wake(daemon->waiters, uuid))
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
}

static void work_waiters(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (vfa_waiters_is_empty(daemon->waiters))
        return;
    if (read_freed(daemon, config, &err) < 0) {
        vfa_log_change(VFA_WORK_WAITERS_KEY, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_queue_add(daemon->queue, VFA_WORK_WAITERS_KEY, VFA_WORK_FREED, RETRY_MS);
        return;
    }
    vfa_log_forget(VFA_WORK_WAITERS_KEY);
    wake_waiters(daemon);
}

/* ---- claims without a domain ---- */

static unsigned gc_all(struct vfa_daemon *daemon, virConnectPtr conn,
                       const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
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

/* ---- domains with leased devices ---- */

static void queue_leased(void *opaque, const char *uuid)
{
    struct vfa_daemon *daemon = opaque;

    vfa_queue_add(daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
}

static void work_leased(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(daemon, config, &host, &err);

    if (r == 0)
        r = vfa_state_each_leased(host.state, queue_leased, daemon, &err);
    if (r == 0)
        return;
    vfa_log_change("borrowed", LOG_ERR, "%s", vfa_error_text(&err));
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_LEASED, RETRY_MS);
}

static void work_host(struct vfa_daemon *daemon, virConnectPtr conn,
                      const struct vfa_config *config, unsigned reasons)
{
    if (reasons & VFA_WORK_SYNC)
        vfa_sync(daemon, conn, config);
    else if (reasons & VFA_WORK_REBUILD)
        vfa_sync_rebuild(daemon, conn, config);
    if (reasons & VFA_WORK_LEASED)
        work_leased(daemon, config);
    if (reasons & VFA_WORK_GC)
        vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_GC, gc_all(daemon, conn, config));
}

/* ---- one domain ---- */

/* Devices that the user detached by hand, or that failed too often, are attached again. */
static int reset_failures(struct vfa_daemon *daemon, const struct vfa_config *config,
                          const char *uuid, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
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
    unsigned again = VFA_REQUEUE_NEVER;

    if (work->reasons & VFA_WORK_DEFINITION)
        vfa_definition_pass(daemon, conn, config, work->key);
    if (work->reasons & VFA_WORK_RECONCILE)
        again = vfa_reconcile_domain(daemon, conn, config, work->key);
    if (again != VFA_REQUEUE_NEVER)
        vfa_queue_add(daemon->queue, work->key, VFA_WORK_RECONCILE, again);
    if ((work->reasons & VFA_WORK_RECONCILE) && vfa_waiters_end(daemon->waiters, work->key))
        wake_waiters(daemon);
}

/* Done before the work that needs libvirt: the reason must not be lost without a connection. */
static void work_requests_changed(struct vfa_daemon *daemon, const struct vfa_config *config,
                                  const struct vfa_work *work)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    const char *uuid = work->key;

    if (work->reasons & VFA_WORK_REQUESTS_CHANGED)
        vfa_daemon_forget(daemon, uuid);
    else
        vfa_backoff_forget(daemon->backoff, uuid);
    if (reset_failures(daemon, config, uuid, &err) < 0) {
        vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_REQUESTS_CHANGED | VFA_WORK_RECONCILE,
                      RETRY_MS);
    }
}

static void work_key(struct vfa_daemon *daemon, unsigned line, const struct vfa_work *work)
{
    VFA_AUTO(vfa_shared_config_unref) struct vfa_shared_config *shared = vfa_daemon_config(daemon);
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    const struct vfa_config *config = shared->config;

    if (strcmp(work->key, VFA_WORK_INDEX_KEY) == 0) {
        work_index(daemon, config, work->reasons);
        return;
    }
    if (strcmp(work->key, VFA_WORK_RELEASE_KEY) == 0) {
        vfa_daemon_release(daemon, config);
        return;
    }
    if (strcmp(work->key, VFA_WORK_WAITERS_KEY) == 0) {
        work_waiters(daemon, config);
        vfa_definition_state_changed(daemon, config);
        return;
    }
    if (strcmp(work->key, VFA_WORK_CLEAN_KEY) == 0) {
        vfa_clean_pass(daemon, config);
        return;
    }
    if (work->reasons & (VFA_WORK_REQUESTS_CHANGED | VFA_WORK_STORM))
        work_requests_changed(daemon, config, work);
    conn = vfa_daemon_connection(daemon, line);
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
    unsigned line = daemon->n_workers++ / VFA_DAEMON_SHARE;
    struct vfa_work work;

    vfa_crew_enter(daemon->crew);
    while (vfa_queue_take(daemon->queue, &work)) {
        work_key(daemon, line, &work);
        vfa_queue_done(daemon->queue, &work);
        vfa_crew_enter(daemon->crew);
    }
    vfa_crew_leave(daemon->crew);
    return NULL;
}
