/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One domain: look (claims, then live XML), let plan.h compare, do the steps. See
 * pass.h.
 *
 * Order of reading: libvirt is asked for the domain's state first, which waits while a hook of it
 * runs; then the claims, and whether the guest is to wait for them; then the XML. So what `prepare`
 * wrote is seen of a domain that is seen running; a claim that is seen is older than the XML, and
 * an active one without its device means that the device was taken out. When the claims are then
 * made to say what the XML says, the domain may have stopped, and its device may be another's:
 * that is why the claims that have ended are counted (vfa_allocate_reassert_read()).
 *
 * A domain that does not run has its claims dropped by vfa_gc(), whose race with `prepare` is told
 * in gc.h.
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
#include "provision/vf-apply.h"
#include "claim/claim.h"
#include "claim/hotplug.h"
#include "claim/reassert.h"
#include "claim/release.h"
#include "claim/transaction.h"
#include "claim/unreleased.h"
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

/* Looks at a guest that is held: one for each device, and for each failure. */
#define IN_ONE_GO 64

/* ---- steps that change the state only ---- */

static int release(struct vfa_look *look, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool released = false;
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    if (r == 0)
        r = vfa_release_unchanged(&host, step->claim, VFA_WHY_ENDED, &released, err);
    if (r == 0 && released)
        vfa_log(LOG_INFO, "domain '%s': released %s of '%s'", look->domain->name,
                step->claim->device, step->claim->request);
    return r;
}

static int withdraw(struct vfa_look *look, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    const struct vfa_claim *claim = step->claim;
    bool same = false;
    int r = vfa_look_begin(look, claim, &host, &same, err);

    if (r < 0 || !same)
        return r;
    r = vfa_release_withdraw(&host, look->uuid, claim->request, err);
    if (r == 0)
        r = vfa_state_commit(host.state, err);
    if (r == 0)
        vfa_log(LOG_INFO, "domain '%s': %s of request '%s' was detached by hand, released",
                look->domain->name, claim->device, claim->request);
    return r;
}

/* What its borrower took out is kept for it, as a claim whose device is to be attached again. */
static int set_aside(struct vfa_look *look, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool same = false;
    int r = vfa_look_begin(look, step->claim, &host, &same, err);

    if (r < 0 || !same)
        return r;
    r = vfa_state_set_claim_state(host.state, look->uuid, step->request->name, VFA_CLAIM_CLAIMED,
                                  err);
    if (r == 0)
        r = vfa_state_commit(host.state, err);
    if (r == 0)
        vfa_log(LOG_INFO, "domain '%s': %s of request '%s' was taken out for a while, kept for it",
                look->domain->name, step->claim->device, step->request->name);
    vfa_look_again(look, VFA_LOOK_NOW);
    return r;
}

/* Asked for anew, as it were: what failed before is not held against it. */
static int end_borrowing(struct vfa_look *look, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    if (r == 0)
        r = vfa_state_end_borrowing(host.state, look->uuid, step->request->name, err);
    vfa_daemon_forget(look->daemon, look->uuid);
    vfa_look_again(look, VFA_LOOK_NOW);
    return r;
}

struct allocation {
    struct vfa_look *look;
    const struct vfa_request *request;
    struct vfa_claim *ret;
};

/* In one transaction with the check that nobody, a hook or the command line, was first. */
static int allocate_unless_claimed(struct vfa_host *host, void *data, struct vfa_error *err)
{
    const struct allocation *allocation = data;
    const struct vfa_request *request = allocation->request;
    struct vfa_look *look = allocation->look;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {0};
    int r = vfa_state_claims(host->state, look->uuid, &now, err);

    if (r < 0 || vfa_claims_find(&now, request->name))
        return r;
    if (request->late)
        return vfa_allocate_late(host, look->domain, request, allocation->ret, err);
    return vfa_allocate_request(host, look->domain, request, allocation->ret, err);
}

static int allocate(struct vfa_look *look, const struct vfa_request *request, struct vfa_claim *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    struct allocation allocation = {look, request, ret};
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    return r < 0 ? r
                 : vfa_allocate_transact(&host, true, allocate_unless_claimed, &allocation, err);
}

/* An optional request that is not late is left alone from now on. */
static int do_without(struct vfa_look *look, const struct vfa_request *request,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r;

    if (!request->optional || request->late)
        return 0;
    r = vfa_daemon_open_host(look->daemon, look->config, &host, err);
    return r == 0 ? vfa_state_withdraw(host.state, look->uuid, request->name, err) : r;
}

/* Nothing free is said once. A late request is looked at again when something gets free, one that
 * is not optional with the next event of this domain. */
static int refused(struct vfa_look *look, const struct vfa_request *request, int why,
                   struct vfa_error *err)
{
    bool quiet = request->optional || why == VFA_ALLOCATE_AGAIN;
    char key[VFA_LOOK_KEY_SIZE];

    vfa_log_change(vfa_look_key(look, request->name, key), quiet ? LOG_DEBUG : LOG_WARNING, "%s",
                   vfa_error_text(err));
    vfa_error_clear(err);
    if (why == VFA_ALLOCATE_NONE)
        return do_without(look, request, err);
    vfa_look_again(look, VFA_LOOK_BUSY);
    return 0;
}

static int hotplug(struct vfa_look *look, const struct vfa_request *request, struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    char key[VFA_LOOK_KEY_SIZE];
    int r;

    if (request->late && !vfa_late_add(look->daemon->late, look->uuid))
        return vfa_fail_oom(err);
    r = allocate(look, request, &claim, err);
    if (r != 0)
        return r < 0 ? r : refused(look, request, r, err);
    vfa_log_forget(vfa_look_key(look, request->name, key));
    if (request->late)
        vfa_late_serve(look->daemon->late, look->uuid);
    if (claim.device)
        vfa_log(LOG_DEBUG, "domain '%s': claimed %s for request '%s'", look->domain->name,
                claim.device, request->name);
    vfa_look_again(look, VFA_LOOK_NOW);
    return 0;
}

/* ---- the plan ---- */

/* True: the domain's devices have changed, the rest of the plan is void. */
static bool do_step(struct vfa_look *look, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = 0;

    switch (step->kind) {
    case VFA_STEP_ALLOCATE:
        r = hotplug(look, step->request, &err);
        break;
    case VFA_STEP_ATTACH:
        return vfa_look_attach(look, step);
    case VFA_STEP_GIVE_UP:
        vfa_look_give_up(look, step);
        break;
    case VFA_STEP_DETACH:
        vfa_look_detach(look, step);
        break;
    case VFA_STEP_RELEASE:
        r = release(look, step, &err);
        break;
    case VFA_STEP_WITHDRAW:
        r = withdraw(look, step, &err);
        break;
    case VFA_STEP_SET_ASIDE:
        r = set_aside(look, step, &err);
        break;
    case VFA_STEP_END_BORROWING:
        r = end_borrowing(look, step, &err);
        break;
    }
    if (r < 0) {
        vfa_log_change(look->uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_look_again(look, VFA_LOOK_ERROR);
    }
    return false;
}

/* A holder is to suspend or resume the guest, and then tells the workers. */
static void leave_to_holder(struct vfa_look *look)
{
    vfa_queue_add(look->daemon->holds, look->uuid, VFA_WORK_TELL, 0);
    vfa_look_again(look, VFA_LOOK_WAITING);
}

static int do_plan(struct vfa_look *look, enum vfa_run run, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) struct vfa_step *steps = NULL;
    struct vfa_plan plan = {0};
    int r = vfa_look_plan(look, run, &plan, err);

    if (r < 0)
        return r;
    steps = plan.steps;
    if (plan.hold != VFA_HOLD_NOTHING && plan.hold != VFA_HOLD_GO_ON) {
        leave_to_holder(look);
        return 0;
    }
    look->held = plan.hold == VFA_HOLD_GO_ON;
    for (size_t i = 0; i < plan.n; i++) {
        if (do_step(look, &steps[i])) {
            vfa_look_again(look, VFA_LOOK_NOW);
            break;
        }
    }
    return 0;
}

/* The holder does not wait for libvirt while a device is attached, nor is one attached while the
 * holder is at work: who comes second is told. */
static int do_plan_in_turn(struct vfa_look *look, enum vfa_run run, struct vfa_error *err)
{
    int r;

    if (!look->hold.id && vfa_turn_held(look->daemon->turns, look->uuid)) {
        leave_to_holder(look); /* its row was lost with the state file */
        return 0;
    }
    if (!look->hold.id)
        return do_plan(look, run, err);
    if (!vfa_turn_take(look->daemon->turns, look->uuid)) {
        vfa_look_again(look, VFA_LOOK_WAITING);
        return 0;
    }
    r = do_plan(look, run, err);
    if (vfa_turn_end(look->daemon->turns, look->uuid))
        vfa_queue_add(look->daemon->holds, look->uuid, VFA_WORK_TELL, 0);
    return r;
}

/* ---- the look ---- */

static int reassert(const struct vfa_config *config, const struct vfa_domain *domain, int64_t ended,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_unreleased_open_host(config, &host, err);

    if (r < 0)
        return r;
    host.warn = vfa_log_warning;
    r = vfa_vf_apply_new_vlans(&host, domain, err);
    return r < 0 ? r : vfa_allocate_reassert_read(&host, domain, ended, err);
}

/* VFA_ALLOCATE_AGAIN: what was seen may be no more. */
static int reassert_seen(struct vfa_look *look, struct vfa_error *err)
{
    int r = reassert(look->config, look->domain, look->ended, err);

    if (r == VFA_ALLOCATE_AGAIN)
        vfa_look_again(look, VFA_LOOK_NOW);
    return r;
}

static int look_at_running(struct vfa_look *look, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int known = vfa_look_run(look->handle, &run, err);
    int r = known < 0 ? known : vfa_look_claims(look, err);

    if (r == 0)
        r = vfa_look_read(look->handle, &look->domain, err);
    if (r == 0)
        r = reassert_seen(look, err);
    if (r == 0 && look->domain->bad_requests && look->hold.id)
        leave_to_holder(look);
    if (r == 0 && look->domain->bad_requests) /* what it asks for is not known: nothing is undone */
        r = vfa_fail(err, EINVAL, "domain '%s': %s", look->domain->name,
                     look->domain->bad_requests);
    if (r != 0)
        return r;
    if (known != 0) {
        vfa_look_again(look, VFA_LOOK_WAITING);
        return 0;
    }
    return do_plan_in_turn(look, run, err);
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
    vfa_sync_can_read(daemon, uuid); /* there is nothing to read */
    if (r < 0)
        return VFA_LOOK_ERROR;
    return r == VFA_GC_AGAIN ? VFA_LOOK_BUSY : VFA_LOOK_DONE;
}

/* No request has that name. */
#define READ_KEY_SIZE (VFA_UUID_SIZE + sizeof("/ read"))

static const char *read_key(const char *uuid, char *buf)
{
    snprintf(buf, READ_KEY_SIZE, "%s/ read", uuid);
    return buf;
}

unsigned vfa_reconcile_failed(struct vfa_daemon *daemon, const char *uuid,
                              const struct vfa_error *err)
{
    char key[READ_KEY_SIZE];

    vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(err));
    return vfa_pace_back_off(daemon->pace, read_key(uuid, key), VFA_LOOK_ERROR, VFA_LOOK_ERROR_MAX);
}

static void succeeded(struct vfa_daemon *daemon, const char *uuid)
{
    char key[READ_KEY_SIZE];

    vfa_pace_forget(daemon->pace, read_key(uuid, key));
    vfa_sync_can_read(daemon, uuid);
}

/* Wrong XML is looked at again when it changes, everything else with back-off. */
static unsigned look_failed(struct vfa_look *look, int r, struct vfa_error *err)
{
    if (r == -ENOTCONN)
        return VFA_LOOK_ERROR;
    if (r != -EINVAL)
        return vfa_reconcile_failed(look->daemon, look->uuid, err);
    vfa_log_change(look->uuid, LOG_ERR, "%s", vfa_error_text(err));
    return VFA_LOOK_DONE;
}

static unsigned look_once(struct vfa_daemon *daemon, virConnectPtr conn,
                          const struct vfa_config *config, const char *uuid, bool *ret_held)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_look look;
    int r = vfa_look_at(daemon, conn, config, uuid, look_at_running, &look, &err);

    *ret_held = look.held;
    if (r == -ENOENT)
        vfa_daemon_gone(daemon, uuid);
    if (r == VFA_RECONCILE_NOT_RUNNING || r == -ENOENT)
        return collect_stopped(daemon, conn, config, uuid);
    if (r < 0)
        return look_failed(&look, r, &err);
    succeeded(daemon, uuid);
    return look.again;
}

/* While a guest is suspended, nobody else's domain comes in between. */
unsigned vfa_reconcile_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                              const struct vfa_config *config, const char *uuid)
{
    unsigned again = VFA_LOOK_NOW;
    bool held = true;

    for (int n = 0; n < IN_ONE_GO && held && again == VFA_LOOK_NOW; n++) {
        if (n > 0 && vfa_daemon_stopping(daemon))
            break;
        again = look_once(daemon, conn, config, uuid, &held);
    }
    return again;
}
