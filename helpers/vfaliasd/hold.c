/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The holders: they suspend guests until the devices of their start are attached, and resume them.
 * They do the hold step of plan.h, and record it in the state (state/hold.h).
 *
 * Order: the row is marked as held before the guest is suspended, and deleted after it is resumed.
 * So a daemon that is killed in between leaves a guest that the next daemon resumes. Each start has
 * its own row id, so an action decided for one start is never applied to the next.
 *
 * A guest is suspended within hold_within seconds of its power-on, or not at all: if libvirt took
 * longer to suspend it, it is resumed at once. While the state file is locked, guests are resumed
 * at hold_timeout all the same (expire.h). If the state file is lost, the rows are lost too: then
 * guests are resumed by what this daemon keeps in memory (turn.h).
 *
 * Either a holder or a worker works on a domain (turn.h). After its turn the holder queues the
 * domain for a worker, which attaches; after its turn the worker queues it for a holder. During an
 * attach libvirt runs no other job of the domain, so hold_timeout is checked between two attaches.
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
    STEP_VOID = 2,  /* the domain was started again */
    STEP_LATER = 3, /* too many other guests are being suspended */
};

#define LATER_MS    50
#define PATIENCE_MS 1000 /* for a locked state file: other guests wait for this thread */

/* ---- the row ---- */

/* Marks the row as held, if it is still of the start that was read. */
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

/* Asks libvirt again for the domain's state: the row may be of a start after the first answer. */
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

/* If the guest cannot be suspended, its devices are attached while it runs. If the connection was
 * lost, the guest may be suspended: the row stays for a later pass. */
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

/* The domain was started again since its row was read: it is not known whether this start is to be
 * held, so it is resumed. */
static int resume_restarted(struct vfa_pass *pass)
{
    if (virDomainResume(pass->handle) == 0) {
        vfa_turn_hold(pass->daemon->turns, pass->uuid, 0, 0);
        vfa_log(LOG_INFO, "domain '%s': resumed, it was started again", pass->domain->name);
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

/* False: the guest waits until others are suspended; meanwhile it costs no call to libvirt. */
static bool has_room(struct vfa_daemon *daemon, const struct vfa_config *config,
                     const struct vfa_hold *hold)
{
    int64_t age = vfa_turn_age(daemon->turns, hold->uuid);

    if (hold->held || age < 0 || age >= (int64_t)config->hold_within * 1000)
        return true;
    return daemon->suspends < VFA_DAEMON_SUSPENDS &&
           daemon->resumes < VFA_DAEMON_HOLDERS - VFA_DAEMON_SUSPENDS;
}

/* VFA_DAEMON_SUSPENDS holders may suspend, the rest resumes guests. While many holders wait for
 * guests that hang, no other guest is suspended. */
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

/* On failure the row stays, for the next pass. */
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

/* The guest is not suspended: its user has resumed it, or vfa_hold_expire(). */
static int forget_resumed(struct vfa_pass *pass, struct vfa_error *err)
{
    if (pass->hold.held)
        vfa_log(LOG_INFO, "domain '%s': not held any longer", pass->domain->name);
    return forget_guest(pass, err);
}

/* An earlier daemon may have suspended the guest: then it is not in `turns` yet. */
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

/* ---- one pass ---- */

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

/* Returns the milliseconds until the next pass. A worker handles a domain that does not run. */
static unsigned hold_failed(const struct vfa_pass *pass, int r, const struct vfa_error *err)
{
    if (r == STEP_VOID)
        return VFA_REQUEUE_NOW;
    if (r == STEP_LATER)
        return LATER_MS;
    if (r == -ENOENT)
        return VFA_REQUEUE_NEVER;
    if (r == -EBUSY) /* the state is locked: the workers log it */
        return LATER_MS;
    if (r != -ENOTCONN)
        vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(err));
    return VFA_REQUEUE_BUSY;
}

/* *ret_tell: queue the domain for a worker. *ret_kept: another program has locked the state. */
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

/* Does nothing if the guest is of another start, or not suspended. */
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

/* Reads the hold of one domain, or (uuid NULL) all holds. */
static int read_holds(const struct vfa_config *config, const char *uuid, struct vfa_holds *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_holds(state, uuid, ret, err);
    return r < 0 ? r : 0;
}

/* For a domain without a row. Most domains that start have none: they cost no call to libvirt.
 * False: a worker has the domain's turn.
 *
 * The domain is queued for a worker once the guest is resumed: before, the worker would only leave
 * it to a holder again. */
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

/* False: no pass was made, since a worker has the turn or the state is locked. */
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

/* Queues all held guests: those of the rows, and those that this daemon has in memory. */
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

/* Handles one domain. *ret_looked as hold_one(). */
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

    if (!conn) /* all held guests are queued after the next connection */
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
