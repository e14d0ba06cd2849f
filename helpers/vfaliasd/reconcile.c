/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One domain: reads claims and live XML, has plan.h compare them, does the steps. See pass.h.
 *
 * Order of reading: first the domain's state in libvirt (libvirt answers after a running hook has
 * ended), then claims and hold, then the XML. So a domain that is seen running has what `prepare`
 * wrote. A claim that was read is older than the XML: an active claim without its device means that
 * the device was detached. Before the claims are then updated from the XML, the domain may stop
 * and its device may go to another domain: vfa_reassert_read() detects that by the counter of ended
 * claims.
 *
 * vfa_gc() releases the claims of a domain that does not run. helpers/shared/gc.h describes its
 * race with `prepare`.
 */

#include "reconcile.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/claim.h"
#include "claim/hotplug.h"
#include "claim/reassert.h"
#include "claim/release.h"
#include "claim/transaction.h"
#include "helpers/shared/gc.h"
#include "helpers/shared/log.h"
#include "attach.h"
#include "backoff.h"
#include "daemon.h"
#include "pass-plan.h"
#include "pass.h"
#include "plan.h"
#include "queue.h"
#include "turn.h"
#include "waiters.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

/* Passes over a held guest in one go: one for each device and each failure. */
#define IN_ONE_GO 64

/* ---- steps that change the state only ---- */

static int release_seen(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool released = false;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_release_unchanged(&host, step->claim, VFA_WHY_ENDED, &released, err);
    if (r == 0 && released)
        vfa_log(LOG_INFO, "domain '%s': released %s of '%s'", pass->domain->name,
                step->claim->device, step->claim->request);
    return r;
}

static int withdraw_request(struct vfa_pass *pass, const struct vfa_step *step,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    const struct vfa_claim *claim = step->claim;
    bool same = false;
    int r = vfa_pass_begin(pass, claim, &host, &same, err);

    if (r < 0 || !same)
        return r;
    r = vfa_release_withdraw(&host, pass->uuid, claim->request, err);
    if (r == 0)
        r = vfa_state_commit(host.state, err);
    if (r == 0)
        vfa_log(LOG_INFO, "domain '%s': %s of request '%s' was detached by hand, released",
                pass->domain->name, claim->device, claim->request);
    return r;
}

/* The lease holder has detached the device: the claim stays, and its device is attached again after
 * the lease. */
static int keep_leased(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool same = false;
    int r = vfa_pass_begin(pass, step->claim, &host, &same, err);

    if (r < 0 || !same)
        return r;
    r = vfa_state_set_claim_state(host.state, pass->uuid, step->request->name, VFA_CLAIM_CLAIMED,
                                  err);
    if (r == 0)
        r = vfa_state_commit(host.state, err);
    if (r == 0)
        vfa_log(LOG_INFO,
                "domain '%s': %s of request '%s' was detached for a while, its claim is kept",
                pass->domain->name, step->claim->device, step->request->name);
    vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
    return r;
}

/* Treated as a new request: its failure count is reset. */
static int end_lease(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_state_end_lease(host.state, pass->uuid, step->request->name, err);
    vfa_daemon_forget(pass->daemon, pass->uuid);
    vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
    return r;
}

struct allocation {
    struct vfa_pass *pass;
    const struct vfa_request *request;
    struct vfa_claim *ret;
};

/* In one transaction with the check that the request has no claim by a hook or a command yet. */
static int allocate_unless_claimed(struct vfa_host *host, void *data, struct vfa_error *err)
{
    const struct allocation *allocation = data;
    const struct vfa_request *request = allocation->request;
    struct vfa_pass *pass = allocation->pass;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {0};
    int r = vfa_state_claims(host->state, pass->uuid, &now, err);

    if (r < 0 || vfa_claims_find(&now, request->name))
        return r;
    if (request->late)
        return vfa_hotplug_late(host, pass->domain, request, allocation->ret, err);
    return vfa_hotplug_request(host, pass->domain, request, allocation->ret, err);
}

static int allocate_hotplug(struct vfa_pass *pass, const struct vfa_request *request,
                            struct vfa_claim *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    struct allocation allocation = {pass, request, ret};
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    return r < 0 ? r : vfa_transaction_run(&host, true, allocate_unless_claimed, &allocation, err);
}

/* An optional request that is not late is not tried again. */
static int withdraw_if_optional(struct vfa_pass *pass, const struct vfa_request *request,
                                struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r;

    if (!request->optional || request->late)
        return 0;
    r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);
    return r == 0 ? vfa_state_withdraw(host.state, pass->uuid, request->name, err) : r;
}

/* Logs once that no device is free. A late request is tried again when a device becomes free, a
 * required request at the next event of this domain. */
static int handle_refusal(struct vfa_pass *pass, const struct vfa_request *request, int why,
                          struct vfa_error *err)
{
    bool quiet = request->optional || why == VFA_CLAIM_TRY_AGAIN;
    char key[VFA_PASS_KEY_SIZE];

    vfa_log_change(vfa_pass_key(pass, request->name, key), quiet ? LOG_DEBUG : LOG_WARNING, "%s",
                   vfa_error_text(err));
    vfa_error_clear(err);
    if (why == VFA_CLAIM_REFUSED)
        return withdraw_if_optional(pass, request, err);
    vfa_pass_requeue_after(pass, VFA_REQUEUE_BUSY);
    return 0;
}

static int hotplug_request(struct vfa_pass *pass, const struct vfa_request *request,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    char key[VFA_PASS_KEY_SIZE];
    int r;

    if (request->late && !vfa_waiters_add(pass->daemon->waiters, pass->uuid))
        return vfa_fail_oom(err);
    r = allocate_hotplug(pass, request, &claim, err);
    if (r != 0)
        return r < 0 ? r : handle_refusal(pass, request, r, err);
    vfa_log_forget(vfa_pass_key(pass, request->name, key));
    if (request->late)
        vfa_waiters_serve(pass->daemon->waiters, pass->uuid);
    if (claim.device)
        vfa_log(LOG_DEBUG, "domain '%s': claimed %s for request '%s'", pass->domain->name,
                claim.device, request->name);
    vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
    return 0;
}

/* ---- the plan ---- */

/* True: the domain's devices have changed, so the rest of the plan is outdated. */
static bool do_step(struct vfa_pass *pass, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = 0;

    switch (step->kind) {
    case VFA_STEP_ALLOCATE:
        r = hotplug_request(pass, step->request, &err);
        break;
    case VFA_STEP_ATTACH:
        return vfa_pass_attach(pass, step);
    case VFA_STEP_GIVE_UP:
        vfa_pass_give_up(pass, step);
        break;
    case VFA_STEP_DETACH:
        vfa_pass_detach(pass, step);
        break;
    case VFA_STEP_RELEASE:
        r = release_seen(pass, step, &err);
        break;
    case VFA_STEP_WITHDRAW:
        r = withdraw_request(pass, step, &err);
        break;
    case VFA_STEP_SET_ASIDE:
        r = keep_leased(pass, step, &err);
        break;
    case VFA_STEP_END_LEASE:
        r = end_lease(pass, step, &err);
        break;
    }
    if (r < 0) {
        vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
    }
    return false;
}

/* A holder suspends or resumes the guest, and then queues the domain for a worker. */
static void leave_to_holder(struct vfa_pass *pass)
{
    vfa_queue_add(pass->daemon->holds, pass->uuid, VFA_WORK_TELL, 0);
    vfa_pass_requeue_after(pass, VFA_REQUEUE_WAITING);
}

static int do_plan(struct vfa_pass *pass, enum vfa_run run, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) struct vfa_step *steps = NULL;
    struct vfa_plan plan = {0};
    int r = vfa_pass_plan(pass, run, &plan, err);

    if (r < 0)
        return r;
    steps = plan.steps;
    if (plan.hold != VFA_HOLD_NOTHING && plan.hold != VFA_HOLD_GO_ON) {
        leave_to_holder(pass);
        return 0;
    }
    pass->held = plan.hold == VFA_HOLD_GO_ON;
    for (size_t i = 0; i < plan.n; i++) {
        if (do_step(pass, &steps[i])) {
            vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
            break;
        }
    }
    return 0;
}

/* A worker and a holder never work on the same domain at a time. The thread that comes second does
 * not wait: it is requeued when the first has ended its turn (turn.h). */
static int do_plan_in_turn(struct vfa_pass *pass, enum vfa_run run, struct vfa_error *err)
{
    int r;

    if (!pass->hold.id && vfa_turn_held(pass->daemon->turns, pass->uuid)) {
        leave_to_holder(pass); /* the row was lost with the state file */
        return 0;
    }
    if (!pass->hold.id)
        return do_plan(pass, run, err);
    if (!vfa_turn_take(pass->daemon->turns, pass->uuid)) {
        vfa_pass_requeue_after(pass, VFA_REQUEUE_WAITING);
        return 0;
    }
    r = do_plan(pass, run, err);
    if (vfa_turn_end(pass->daemon->turns, pass->uuid))
        vfa_queue_add(pass->daemon->holds, pass->uuid, VFA_WORK_TELL, 0);
    return r;
}

/* ---- the pass ---- */

static int reassert_domain(struct vfa_pass *pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_provisioner_after_attach_present(&host, pass->domain, err);
    return r < 0 ? r : vfa_reassert_read(&host, pass->domain, pass->ended, err);
}

/* VFA_CLAIM_TRY_AGAIN: what was read may be outdated. */
static int reassert_seen(struct vfa_pass *pass, struct vfa_error *err)
{
    int r = reassert_domain(pass, err);

    if (r == VFA_CLAIM_TRY_AGAIN)
        vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
    return r;
}

static int reconcile_running(struct vfa_pass *pass, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int known = vfa_pass_run(pass->handle, &run, err);
    int r = known < 0 ? known : vfa_pass_claims(pass, err);

    if (r == 0)
        r = vfa_pass_read(pass->handle, &pass->domain, err);
    if (r == 0)
        r = reassert_seen(pass, err);
    if (r == 0 && pass->domain->bad_requests && pass->hold.id)
        leave_to_holder(pass);
    if (r == 0 && pass->domain->bad_requests) /* requests unknown: no claim is released for them */
        r = vfa_fail(err, EINVAL, "domain '%s': %s", pass->domain->name,
                     pass->domain->bad_requests);
    if (r != 0)
        return r;
    if (known != 0) {
        vfa_pass_requeue_after(pass, VFA_REQUEUE_WAITING);
        return 0;
    }
    return do_plan_in_turn(pass, run, err);
}

static unsigned collect_stopped(struct vfa_daemon *daemon, virConnectPtr conn,
                                const struct vfa_config *config, const char *uuid)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    size_t n = 0;
    int r = vfa_daemon_open_host(daemon, config, &host, &err);

    if (r == 0)
        r = vfa_gc(conn, &host, uuid, &n, &err);
    if (n > 0)
        vfa_log(LOG_INFO, "domain '%s' does not run: released %zu claims", uuid, n);
    if (r < 0)
        vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(&err));
    else
        vfa_daemon_forget(daemon, uuid);
    vfa_sync_can_read(daemon, uuid); /* the domain has stopped: no rebuild waits for it */
    if (r < 0)
        return VFA_REQUEUE_ERROR;
    return r == VFA_GC_AGAIN ? VFA_REQUEUE_BUSY : VFA_REQUEUE_NEVER;
}

/* A request's name has no space, so this is no vfa_pass_key(). */
#define READ_KEY_SIZE (VFA_UUID_SIZE + sizeof("/ read"))

static const char *failure_key(const char *uuid, char *buf)
{
    snprintf(buf, READ_KEY_SIZE, "%s/ read", uuid);
    return buf;
}

unsigned vfa_reconcile_failed(struct vfa_daemon *daemon, const char *uuid,
                              const struct vfa_error *err)
{
    char key[READ_KEY_SIZE];

    vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(err));
    return vfa_backoff_grow(daemon->backoff, failure_key(uuid, key), VFA_REQUEUE_ERROR,
                            VFA_REQUEUE_ERROR_MAX);
}

static void succeeded(struct vfa_daemon *daemon, const char *uuid)
{
    char key[READ_KEY_SIZE];

    vfa_backoff_forget(daemon->backoff, failure_key(uuid, key));
    vfa_sync_can_read(daemon, uuid);
}

/* XML that cannot be parsed is tried again when it changes, all other failures with back-off. */
static unsigned pass_failed(struct vfa_pass *pass, int r, struct vfa_error *err)
{
    if (r == -ENOTCONN)
        return VFA_REQUEUE_ERROR;
    if (r != -EINVAL)
        return vfa_reconcile_failed(pass->daemon, pass->uuid, err);
    vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(err));
    return VFA_REQUEUE_NEVER;
}

static unsigned reconcile_once(struct vfa_daemon *daemon, virConnectPtr conn,
                               const struct vfa_config *config, const char *uuid, bool *ret_held)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_pass pass;
    int r = vfa_pass_at(daemon, conn, config, uuid, reconcile_running, &pass, &err);

    *ret_held = pass.held;
    if (r == -ENOENT)
        vfa_daemon_gone(daemon, uuid);
    if (r == VFA_RECONCILE_NOT_RUNNING || r == -ENOENT)
        return collect_stopped(daemon, conn, config, uuid);
    if (r < 0)
        return pass_failed(&pass, r, &err);
    succeeded(daemon, uuid);
    return pass.requeue_ms;
}

/* A suspended guest gets all its passes in a row: no other domain delays it. */
unsigned vfa_reconcile_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                              const struct vfa_config *config, const char *uuid)
{
    unsigned again = VFA_REQUEUE_NOW;
    bool held = true;

    for (int n = 0; n < IN_ONE_GO && held && again == VFA_REQUEUE_NOW; n++) {
        if (n > 0 && vfa_daemon_stopping(daemon))
            break;
        again = reconcile_once(daemon, conn, config, uuid, &held);
    }
    return again;
}
