/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sync: a check of all domains after a new connection, after lost events, after a change of the
 * configuration, and for a new state file. It updates the claims from the live XML of the running
 * domains, and queues a pass (reconcile.h, definition.h) for each domain that needs one.
 *
 * Most domains need none. A sync lists all domains, and reads the live XML and the definition of
 * each. It opens the state file once; no transaction is open during a call to libvirt
 * (helpers/shared/gc.h).
 *
 * A domain that cannot be read does not delay the others: the error is logged, and the domain is
 * requeued with back-off. But a state file that was lost counts as rebuilt only when all running
 * domains have been read. Until then starts are refused, and the state names a domain that could
 * not be read, for the message of the refusal.
 */

#include "sync.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/hold.h"
#include "state/meta.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/claim.h"
#include "claim/reassert.h"
#include "claim/unreleased.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "backoff.h"
#include "daemon.h"
#include "definition.h"
#include "maker.h"
#include "pass.h"
#include "plan.h"
#include "queue.h"
#include "reconcile.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define FIRST_MS    1000
#define MAX_MS      60000
#define MAX_ROUNDS  10 /* attempts to read a domain while claims end */
#define LOG_KEY     "sync"
#define LOG_AWAITED "sync/awaited"

struct sync {
    struct vfa_daemon *daemon;
    const struct vfa_config *config;
    virConnectPtr conn;
    struct vfa_host host;
    char *awaited; /* name of a domain that could not be read, or NULL */
    char awaited_uuid[VFA_UUID_SIZE];
};

static void sync_clear(struct sync *sync)
{
    vfa_host_clear(&sync->host);
    free(sync->awaited);
}

/* ---- what one domain needs ---- */

/* *ret_lent: a device of the domain is leased to a program, which may have ended. */
static int read_withdrawn(struct sync *sync, const struct vfa_domain *domain,
                          enum vfa_withdrawal *withdrawn, bool *ret_lent, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < domain->n_requests; i++) {
        r = vfa_state_withdrawal(sync->host.state, domain->uuid, domain->requests[i].name,
                                 &withdrawn[i], err);
        *ret_lent = *ret_lent || withdrawn[i] == VFA_WITHDRAWAL_LEASED;
    }
    return r;
}

static int has_steps(struct sync *sync, const struct vfa_domain *domain,
                     const struct vfa_claims *claims, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep)
    enum vfa_withdrawal *withdrawn = calloc(domain->n_requests + 1, sizeof(*withdrawn));
    struct vfa_plan_input in = {.domain = domain,
                                .claims = claims,
                                .withdrawn = withdrawn,
                                .now = time(NULL),
                                .config = sync->config,
                                .run = VFA_RUN_ON};
    struct vfa_plan plan = {0};
    bool lent = false;
    int r = withdrawn ? read_withdrawn(sync, domain, withdrawn, &lent, err) : vfa_fail_oom(err);

    if (r == 0)
        r = vfa_plan_make(&in, &plan, err);
    *ret = lent || plan.n > 0;
    free(plan.steps);
    return r;
}

/* Whether a pass over the running domain would find something to do. Later changes raise events. */
static int needs_look(struct sync *sync, const struct vfa_domain *domain, bool *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = vfa_state_claims(sync->host.state, domain->uuid, &claims, err);

    if (r == 0)
        r = vfa_state_holds(sync->host.state, domain->uuid, &holds, err);
    if (r < 0)
        return r;
    *ret = domain->bad_requests || holds.n > 0;
    return *ret ? 0 : has_steps(sync, domain, &claims, ret, err);
}

/* ---- running domains ---- */

/* VFA_CLAIM_TRY_AGAIN: a claim has ended during the call to libvirt. */
static int reassert_running(struct sync *sync, const struct vfa_domain *domain, int64_t ended,
                            struct vfa_error *err)
{
    int r;

    if (domain->n_devices == 0)
        return 0;
    r = vfa_provisioner_after_attach_present(&sync->host, domain, err);
    return r < 0 ? r : vfa_reassert_read(&sync->host, domain, ended, err);
}

/* An error of this domain alone is in *ret_read and *why, and the result is 0. */
static int read_one(struct sync *sync, virDomainPtr handle, struct vfa_domain **ret, int *ret_read,
                    struct vfa_error *why, struct vfa_error *err)
{
    int64_t ended = 0;
    int r;

    for (int round = 0; round < MAX_ROUNDS; round++) {
        r = vfa_state_counter(sync->host.state, VFA_COUNTER_ENDED, &ended, err);
        if (r < 0)
            return r;
        *ret = vfa_domain_free(*ret);
        *ret_read = vfa_pass_read(handle, ret, why);
        if (*ret_read != 0)
            return 0;
        r = reassert_running(sync, *ret, ended, err);
        if (r != VFA_CLAIM_TRY_AGAIN)
            return r;
    }
    *ret_read = vfa_fail(why, EAGAIN, "cannot read the XML of domain '%s': claims end all the time",
                         (*ret)->name);
    return 0;
}

static int await_domain(struct sync *sync, virDomainPtr handle, const char *uuid,
                        const struct vfa_error *why, struct vfa_error *err)
{
    unsigned again = vfa_reconcile_failed(sync->daemon, uuid, why);

    vfa_queue_add(sync->daemon->queue, uuid, VFA_WORK_RECONCILE, again);
    if (sync->awaited)
        return 0;
    sync->awaited = strdup(virDomainGetName(handle));
    snprintf(sync->awaited_uuid, sizeof(sync->awaited_uuid), "%s", uuid);
    return sync->awaited ? 0 : vfa_fail_oom(err);
}

/* XML that cannot be parsed counts as read: the pass logs what is wrong with it. */
static int sync_running(struct sync *sync, virDomainPtr handle, const char *uuid,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    bool pass = false;
    int read = 0;
    int r = read_one(sync, handle, &domain, &read, &why, err);

    if (r < 0 || read == VFA_RECONCILE_NOT_RUNNING || read == -ENOENT)
        return r;
    if (read == -ENOTCONN)
        return vfa_error_move(err, &why);
    if (read == -EINVAL)
        pass = true;
    else if (read < 0)
        return await_domain(sync, handle, uuid, &why, err);
    else
        r = needs_look(sync, domain, &pass, err);
    if (r == 0 && pass)
        vfa_queue_add(sync->daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
    return r;
}

/* ---- definitions ---- */

static bool definition_asks(const char *xml)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;

    if (vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0)
        return true; /* the pass logs what is wrong */
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (domain->devices[i].request)
            return true;
    }
    return domain->bad_requests || (domain->pcie && vfa_domain_missing_ports(domain) > 0);
}

static int sync_definition(struct sync *sync, virDomainPtr handle, const char *uuid,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *xml = virDomainGetXMLDesc(handle, VIR_DOMAIN_XML_INACTIVE);
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = xml ? 0
                : vfa_virt_fail(&why, "cannot read the definition of domain '%s'",
                                virDomainGetName(handle));

    if (r == -ENOTCONN)
        return vfa_error_move(err, &why);
    if (r < 0 || definition_asks(xml))
        vfa_queue_add(sync->daemon->queue, uuid, VFA_WORK_DEFINITION, 0);
    return 0;
}

/* ---- all domains ---- */

typedef int visit_fn(struct sync *sync, virDomainPtr handle, const char *uuid,
                     struct vfa_error *err);

static int for_each_domain(struct sync *sync, unsigned which, visit_fn *visit,
                           struct vfa_error *err)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    virDomainPtr *domains = NULL;
    int n = virConnectListAllDomains(sync->conn, &domains, which);
    int r = 0;

    if (n < 0)
        return vfa_virt_fail(err, "cannot list the domains");
    for (int i = 0; i < n; i++) {
        if (r == 0 && virDomainGetUUIDString(domains[i], uuid) == 0)
            r = visit(sync, domains[i], uuid, err);
        virDomainFree(domains[i]);
    }
    free(domains);
    return r;
}

/* ---- whether the state has the claims of all running domains ---- */

static void set_awaited(struct vfa_daemon *daemon, const char *uuid)
{
    pthread_mutex_lock(&daemon->lock);
    snprintf(daemon->awaited, sizeof(daemon->awaited), "%s", uuid);
    pthread_mutex_unlock(&daemon->lock);
}

static int update_synced(struct sync *sync, bool *ret_synced, struct vfa_error *err)
{
    int r = vfa_state_synced(sync->host.state, ret_synced, err);

    set_awaited(sync->daemon, *ret_synced ? "" : sync->awaited_uuid);
    if (r < 0 || *ret_synced)
        return r;
    if (sync->awaited)
        return vfa_state_set_awaited(sync->host.state, sync->awaited, err);
    *ret_synced = true;
    return vfa_state_set_synced(sync->host.state, err);
}

/* *ret_synced false: the rebuild waits for a domain that cannot be read. */
static int sync_all(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                    bool *ret_synced, struct vfa_error *err)
{
    VFA_AUTO(sync_clear)
    struct sync sync = {.daemon = daemon, .config = config, .conn = conn, .host = VFA_HOST_INIT};
    int r = vfa_unreleased_open_host(config, &sync.host, err);

    if (r < 0)
        return r;
    sync.host.warn = vfa_log_warning;
    sync.host.run_maker = vfa_daemon_run_maker;
    sync.host.maker_data = daemon;
    r = for_each_domain(&sync, VIR_CONNECT_LIST_DOMAINS_ACTIVE, sync_running, err);
    if (r == 0)
        r = update_synced(&sync, ret_synced, err);
    if (r == 0 && !*ret_synced)
        vfa_log_change(LOG_AWAITED, LOG_ERR,
                       "the state file was lost, and domain '%s' cannot be read: starts that ask "
                       "for devices are refused until it can",
                       sync.awaited);
    if (r == 0)
        r = for_each_domain(&sync, VIR_CONNECT_LIST_DOMAINS_PERSISTENT, sync_definition, err);
    return r == 0 ? vfa_definition_sync(daemon, sync.host.state, err) : r;
}

void vfa_sync(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    bool synced = true;
    int r;

    vfa_backoff_set(daemon->backoff, VFA_SYNC_BACKOFF_KEY,
                    FIRST_MS); /* no other sync is queued meanwhile */
    r = sync_all(daemon, conn, config, &synced, &err);
    if (r < 0)
        vfa_log_change(LOG_KEY, LOG_WARNING, "%s", vfa_error_text(&err));
    if (r < 0 || !synced) {
        vfa_queue_add(daemon->queue, VFA_WORK_HOST, r < 0 ? VFA_WORK_SYNC : VFA_WORK_REBUILD,
                      vfa_backoff_grow(daemon->backoff, VFA_SYNC_BACKOFF_KEY, FIRST_MS, MAX_MS));
        return;
    }
    vfa_log_forget(LOG_KEY);
    vfa_backoff_forget(daemon->backoff, VFA_SYNC_BACKOFF_KEY);
}

/* ---- a state file that was lost ---- */

void vfa_sync_rebuild(struct vfa_daemon *daemon, virConnectPtr conn,
                      const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool synced = false;
    int r = vfa_unreleased_open_host(config, &host, &err);

    if (r == 0)
        r = vfa_state_synced(host.state, &synced, &err);
    if (r == 0 && synced)
        return;
    vfa_host_clear(&host);
    vfa_sync(daemon, conn, config); /* which logs an error of the file */
}
