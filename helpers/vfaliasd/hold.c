/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The holders: they suspend guests that are to wait for the devices that they were started with,
 * and resume them. What plan.h says is done here, and written down in the state (state.h).
 *
 * Order: first the row says that the guest is held, then it is suspended; first it is resumed, then
 * the row goes. So whoever is killed in between leaves a guest that somebody resumes. Of two starts
 * of one domain the row has two ids: what was seen of the one is never done to the other knowingly.
 *
 * A guest is suspended within hold_within seconds of its power-on, or not at all: one for which
 * libvirt took longer is resumed at once.
 *
 * While the state file is locked, guests are resumed at hold_timeout all the same
 * (expire.h). When it is lost, the row is lost with it: then what this daemon remembers of
 * the guests that it has suspended has them resumed (turn.h).
 *
 * A domain is a holder's or a worker's at a time (turn.h). The worker looks at it when the
 * holder is done, and attaches; the holder is asked when the worker is done. How long a guest is
 * held is bounded by hold_timeout, which is looked at between two attaches: while libvirt is at one
 * it takes no other job of the domain, a resume no more than anything else. Other guests do not
 * wait for that.
 */

#include "hold.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "state/hold.h"
#include "state/state.h"
#include "host/host.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "config.h"
#include "connection.h"
#include "daemon.h"
#include "expire.h"
#include "pass-plan.h"
#include "pass.h"
#include "plan.h"
#include "queue.h"
#include "turn.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

enum {
    STEP_VOID = 2,  /* another start was seen */
    STEP_LATER = 3, /* others are being suspended */
};

#define LATER_MS    50
#define PATIENCE_MS 1000 /* with a state file that is locked: others are to be resumed */

/* ---- the row ---- */

/* Writes down that the guest is held, if it is still the start that was seen. */
static int record_hold(struct vfa_pass *pass, bool *ret_same, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_state_begin_hold(host.state, &pass->hold, err);
    *ret_same = r == 0;
    return r < 0 ? r : 0;
}

static int is_hold_recorded(struct vfa_pass *pass, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_state_holds(host.state, pass->uuid, &holds, err);
    *ret = r < 0 || (holds.n > 0 && holds.items[0].id == pass->hold.id);
    return r;
}

static int forget_guest(struct vfa_pass *pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r;

    vfa_turn_hold(pass->daemon->turns, pass->uuid, 0, 0);
    r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);
    return r == 0 ? vfa_state_end_hold(host.state, &pass->hold, err) : r;
}

/* ---- suspending ---- */

/* Reads once more what the domain does, as the row that was read may be of a start that came after
 * the first answer. */
static int still_booted(struct vfa_pass *pass, bool *ret, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int known = vfa_pass_run(pass->handle, &run, err);

    *ret = known == 0 && run == VFA_RUN_BOOTED;
    return known < 0 ? known : 0;
}

static unsigned left_ms(const struct vfa_pass *pass)
{
    int64_t left = pass->hold.since + pass->config->hold_timeout - (int64_t)time(NULL);

    return left <= 0 ? 0 : (unsigned)(left * 1000);
}

static bool is_late(struct vfa_pass *pass)
{
    return vfa_turn_age(pass->daemon->turns, pass->uuid) >= pass->config->hold_within * 1000;
}

/* A failure is no reason to be without devices: the guest gets them while it runs. Where nobody
 * knows whether it was suspended, the row stays for who finds out. */
static int suspend_failed(struct vfa_pass *pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_virt_fail(&why, "domain '%s': cannot suspend it until its devices are attached",
                          pass->domain->name);

    if (r == -ENOTCONN)
        return vfa_error_move(err, &why);
    vfa_log(LOG_WARNING, "%s", vfa_error_text(&why));
    return forget_guest(pass, err);
}

/* The domain was started anew since it was looked at, and that start is not to be held, or is not
 * known to be. */
static int resume_restarted(struct vfa_pass *pass)
{
    if (virDomainResume(pass->handle) == 0) {
        vfa_turn_hold(pass->daemon->turns, pass->uuid, 0, 0);
        vfa_log(LOG_INFO, "domain '%s': resumed, it was started anew", pass->domain->name);
    }
    return STEP_VOID;
}

static int resume_late(struct vfa_pass *pass, struct vfa_error *err)
{
    int r = vfa_pass_resume(pass->handle, err);

    if (r < 0)
        return r;
    vfa_log(LOG_INFO, "domain '%s': resumed, libvirt took too long to suspend it",
            pass->domain->name);
    return forget_guest(pass, err);
}

static int suspend_guest(struct vfa_pass *pass, struct vfa_error *err)
{
    bool same = false;
    int r;

    vfa_turn_hold(pass->daemon->turns, pass->uuid, virDomainGetID(pass->handle), 0);
    if (virDomainSuspend(pass->handle) < 0)
        return suspend_failed(pass, err);
    if (is_late(pass))
        return resume_late(pass, err);
    r = is_hold_recorded(pass, &same, err);
    if (!same)
        return resume_restarted(pass);
    vfa_pass_requeue_after(pass, left_ms(pass));
    if (r == 0)
        vfa_log(LOG_INFO, "domain '%s': suspended until its devices are attached",
                pass->domain->name);
    return r;
}

static int begin_hold_in_slot(struct vfa_pass *pass, struct vfa_error *err)
{
    bool same = false;
    int r = still_booted(pass, &same, err);

    if (r == 0 && same)
        r = record_hold(pass, &same, err);
    if (r < 0)
        return r;
    if (!same)
        return STEP_VOID;
    return is_late(pass) ? forget_guest(pass, err) : suspend_guest(pass, err);
}

/* Whether one can be suspended now, of which the row says that it waits for that. Those that wait
 * for others cost no call of libvirt. */
static bool has_room(struct vfa_daemon *daemon, const struct vfa_config *config,
                     const struct vfa_hold *hold)
{
    int64_t age = vfa_turn_age(daemon->turns, hold->uuid);

    if (hold->held || age < 0 || age >= (int64_t)config->hold_within * 1000)
        return true;
    return daemon->suspends < VFA_DAEMON_SUSPENDS &&
           daemon->resumes < VFA_DAEMON_HOLDERS - VFA_DAEMON_SUSPENDS;
}

/* Some of the holders are left for guests that are to be resumed; while most of them wait for
 * guests that hang, nobody else's is suspended. */
static int begin_hold(struct vfa_pass *pass, struct vfa_error *err)
{
    int r = STEP_LATER;

    if (pass->daemon->suspends++ < VFA_DAEMON_SUSPENDS &&
        pass->daemon->resumes < VFA_DAEMON_HOLDERS - VFA_DAEMON_SUSPENDS)
        r = begin_hold_in_slot(pass, err);
    pass->daemon->suspends--;
    return r;
}

/* ---- resuming ---- */

static void log_resumed(const struct vfa_pass *pass, bool expired)
{
    if (expired)
        vfa_hold_log_expired(pass->domain->name, pass->config);
    else
        vfa_log(LOG_INFO, "domain '%s': resumed", pass->domain->name);
}

/* It stays written down when it fails: the next look finds out how things are. */
static int end_hold(struct vfa_pass *pass, bool expired, struct vfa_error *err)
{
    int r;

    pass->daemon->resumes++;
    r = vfa_pass_resume(pass->handle, err);
    pass->daemon->resumes--;
    if (r < 0)
        return r;
    log_resumed(pass, expired);
    return forget_guest(pass, err);
}

/* Somebody has resumed it, maybe vfa_hold_expire(). */
static int forget_resumed(struct vfa_pass *pass, struct vfa_error *err)
{
    if (pass->hold.held)
        vfa_log(LOG_INFO, "domain '%s': not held any longer", pass->domain->name);
    return forget_guest(pass, err);
}

/* Another daemon may have suspended it. */
static void keep_held(struct vfa_pass *pass)
{
    int64_t age = (int64_t)time(NULL) - pass->hold.since;

    if (!vfa_turn_held(pass->daemon->turns, pass->uuid))
        vfa_turn_hold(pass->daemon->turns, pass->uuid, virDomainGetID(pass->handle), age * 1000);
    vfa_pass_requeue_after(pass, left_ms(pass));
}

static int do_hold_step(struct vfa_pass *pass, enum vfa_hold_step step, struct vfa_error *err)
{
    switch (step) {
    case VFA_HOLD_NOTHING:
        break;
    case VFA_HOLD_BEGIN:
        return begin_hold(pass, err);
    case VFA_HOLD_GO_ON:
        keep_held(pass);
        break;
    case VFA_HOLD_END:
    case VFA_HOLD_EXPIRE:
        return end_hold(pass, step == VFA_HOLD_EXPIRE, err);
    case VFA_HOLD_FORGET:
        return forget_resumed(pass, err);
    }
    return 0;
}

/* ---- one look ---- */

/* Resumes the guest if its requests cannot be read. */
static enum vfa_hold_step resume_or_forget(const struct vfa_pass *pass, enum vfa_run run)
{
    return pass->hold.held && run == VFA_RUN_PAUSED ? VFA_HOLD_END : VFA_HOLD_FORGET;
}

static int hold_pass(struct vfa_pass *pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) struct vfa_step *steps = NULL;
    struct vfa_plan plan = {0};
    enum vfa_run run = VFA_RUN_ON;
    int known = vfa_pass_run(pass->handle, &run, err);
    int r = known < 0 ? known : vfa_pass_claims(pass, err);

    if (r < 0 || !pass->hold.id)
        return r;
    r = vfa_pass_read(pass->handle, &pass->domain, err);
    if (r != 0)
        return r;
    if (known == VFA_PASS_IN_BETWEEN) {
        vfa_pass_requeue_after(pass, VFA_REQUEUE_WAITING);
        return 0;
    }
    if (pass->domain->bad_requests)
        return do_hold_step(pass, resume_or_forget(pass, run), err);
    r = vfa_pass_plan(pass, run, &plan, err);
    steps = plan.steps;
    return r < 0 ? r : do_hold_step(pass, plan.hold, err);
}

/* A domain that does not run is a worker's, too. */
static unsigned hold_failed(const struct vfa_pass *pass, int r, const struct vfa_error *err)
{
    if (r == STEP_VOID)
        return VFA_REQUEUE_NOW;
    if (r == STEP_LATER)
        return LATER_MS;
    if (r == -ENOENT)
        return VFA_REQUEUE_NEVER;
    if (r == -EBUSY) /* the state is locked: the workers say so */
        return LATER_MS;
    if (r != -ENOTCONN)
        vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(err));
    return VFA_REQUEUE_BUSY;
}

/* *ret_tell: a worker can go on. *ret_kept: the state is locked. */
static unsigned hold_pass_in_turn(struct vfa_daemon *daemon, virConnectPtr conn,
                                  const struct vfa_config *config, const char *uuid, bool *ret_tell,
                                  bool *ret_kept)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_pass pass;
    int r = vfa_pass_at(daemon, conn, config, uuid, hold_pass, &pass, &err);

    *ret_tell = r == 0 || r == -ENOENT || r == VFA_RECONCILE_NOT_RUNNING;
    *ret_kept = r == -EBUSY;
    return r == 0 ? pass.requeue_ms : hold_failed(&pass, r, &err);
}

/* ---- a guest whose row was lost ---- */

/* Of another start, or resumed by somebody else: nothing is left to do. */
static int resume_lost(struct vfa_daemon *daemon, virDomainPtr handle, const char *uuid,
                       struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int r;

    if (virDomainGetID(handle) != vfa_turn_held(daemon->turns, uuid))
        return 0;
    r = vfa_pass_run(handle, &run, err);
    if (r == 0 && run == VFA_RUN_PAUSED) {
        r = vfa_pass_resume(handle, err);
        if (r == 0)
            vfa_log(LOG_WARNING, "domain '%s': resumed, the state file was lost while it waited",
                    virDomainGetName(handle));
    }
    return r;
}

static unsigned resume_lost_guest(struct vfa_daemon *daemon, virConnectPtr conn, const char *uuid)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr handle = virDomainLookupByUUIDString(conn, uuid);
    int r = handle ? resume_lost(daemon, handle, uuid, &err)
                   : vfa_virt_fail(&err, "cannot find domain '%s'", uuid);

    if (r == VFA_PASS_IN_BETWEEN)
        return VFA_REQUEUE_WAITING;
    if (r < 0 && r != -ENOENT) {
        if (r != -ENOTCONN)
            vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(&err));
        return VFA_REQUEUE_BUSY;
    }
    vfa_turn_forget(daemon->turns, uuid);
    return VFA_REQUEUE_NEVER;
}

/* ---- the threads ---- */

/* Of one domain, or (uuid NULL) of all. */
static int read_holds(const struct vfa_config *config, const char *uuid, struct vfa_holds *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_holds(state, uuid, ret, err);
    return r < 0 ? r : 0;
}

/* Most domains that start have no row: they cost no call of libvirt. False: it is not its turn.
 *
 * The worker is told once the guest is resumed: until then it would only ask for that again. */
static bool hold_none(struct vfa_daemon *daemon, virConnectPtr conn, const char *uuid, bool asked)
{
    unsigned again = VFA_REQUEUE_NEVER;

    if (!vfa_turn_held(daemon->turns, uuid)) {
        vfa_turn_forget(daemon->turns, uuid);
    } else {
        if (!vfa_turn_take(daemon->turns, uuid))
            return false;
        again = resume_lost_guest(daemon, conn, uuid);
        vfa_turn_end(daemon->turns, uuid);
    }
    if (again != VFA_REQUEUE_NEVER)
        vfa_queue_add(daemon->holds, uuid, asked ? VFA_WORK_TELL : VFA_WORK_HOLD, again);
    else if (asked)
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
    return true;
}

/* False: something was in the way of a look. */
static bool hold_one(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                     const char *uuid, bool has_row, bool asked)
{
    bool tell = false, kept = false;
    unsigned again;

    if (!has_row)
        return hold_none(daemon, conn, uuid, asked);
    if (!vfa_turn_take(daemon->turns, uuid))
        return false;
    again = hold_pass_in_turn(daemon, conn, config, uuid, &tell, &kept);
    vfa_turn_end(daemon->turns, uuid);
    if (again != VFA_REQUEUE_NEVER)
        vfa_queue_add(daemon->holds, uuid, VFA_WORK_HOLD, again);
    if (tell)
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_RECONCILE, 0);
    return !kept;
}

/* Those of the rows, and those that this daemon remembers. */
static int hold_all(struct vfa_daemon *daemon, const struct vfa_config *config,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    VFA_AUTO(vfa_freep) struct vfa_held_guest *held = NULL;
    size_t n = vfa_turn_all_held(daemon->turns, &held);
    int r = n == SIZE_MAX ? vfa_fail_oom(err) : read_holds(config, NULL, &holds, err);

    for (size_t i = 0; held && i < n; i++)
        vfa_queue_add(daemon->holds, held[i].uuid, VFA_WORK_HOLD, 0);
    for (size_t i = 0; i < holds.n; i++)
        vfa_queue_add(daemon->holds, holds.items[i].uuid, VFA_WORK_HOLD, 0);
    return r;
}

/* Of one domain. *ret_looked as hold_one(). */
static int hold_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                       const struct vfa_config *config, const struct vfa_work *work,
                       bool *ret_looked, struct vfa_error *err)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = read_holds(config, work->key, &holds, err);

    if (r == 0 && holds.n > 0 && !has_room(daemon, config, &holds.items[0])) {
        vfa_queue_add(daemon->holds, work->key, work->reasons, LATER_MS);
        *ret_looked = true;
    } else if (r == 0)
        *ret_looked =
            hold_one(daemon, conn, config, work->key, holds.n > 0, work->reasons & VFA_WORK_TELL);
    return r;
}

static void work_hold(struct vfa_daemon *daemon, unsigned line, const struct vfa_work *work)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_shared_config_unref) struct vfa_shared_config *shared = vfa_daemon_config(daemon);
    VFA_AUTO(vfa_connection_unref)
    virConnectPtr conn = vfa_daemon_connection(daemon, line);
    bool all = strcmp(work->key, VFA_WORK_HOST) == 0, looked = all;
    unsigned again = VFA_REQUEUE_NEVER;
    int r;

    if (!conn) /* the next one begins with all */
        return;
    r = all ? hold_all(daemon, shared->config, &err)
            : hold_domain(daemon, conn, shared->config, work, &looked, &err);
    if (!looked)
        again = vfa_hold_expire(daemon, conn, shared->config, work->key);
    if (again != VFA_REQUEUE_NEVER)
        vfa_queue_add(daemon->holds, work->key, VFA_WORK_HOLD, again);
    if (r == 0)
        return;
    if (r != -EBUSY)
        vfa_log_change("hold", LOG_ERR, "%s", vfa_error_text(&err));
    vfa_queue_add(daemon->holds, work->key, work->reasons,
                  r == -EBUSY ? LATER_MS : VFA_REQUEUE_BUSY);
}

void *vfa_daemon_holder(void *opaque)
{
    struct vfa_daemon *daemon = opaque;
    unsigned line = VFA_DAEMON_HOLD_LINE + daemon->n_holders++ / VFA_DAEMON_SHARE;
    struct vfa_work work;

    vfa_state_set_patience(PATIENCE_MS);
    while (vfa_queue_take(daemon->holds, &work)) {
        work_hold(daemon, line, &work);
        vfa_queue_done(daemon->holds, &work);
    }
    return NULL;
}
