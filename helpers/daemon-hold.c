/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest that waits, suspended, for the devices that it was started with: what daemon-plan.c
 * says is done here, and written down in the state (state.h).
 *
 * Order: first the row says that the guest is held, then it is suspended; first it is resumed, then
 * the row goes. So whoever is killed in between leaves a guest that somebody resumes. Of two starts
 * of one domain the row has two ids: what was seen of the one is never done to the other knowingly.
 *
 * How long it takes is bounded by hold_timeout, which is looked at between two attaches: while
 * libvirt is at one it takes no other job of the domain, a resume no more than anything else.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "daemon-look.h"
#include "log.h"
#include "virt-error.h"

static void complain(struct vfa_look *look, const struct vfa_error *err)
{
    vfa_log_change(look->uuid, LOG_ERR, "%s", vfa_error_text(err));
    vfa_look_again(look, VFA_LOOK_ERROR);
}

/* ---- the row ---- */

/* Writes down that the guest is held, if it is still the start that was seen. */
static int note_held(struct vfa_look *look, bool *ret_same, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    if (r == 0)
        r = vfa_state_begin_hold(host.state, &look->hold, err);
    *ret_same = r == 0;
    return r < 0 ? r : 0;
}

static int is_noted(struct vfa_look *look, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    if (r == 0)
        r = vfa_state_holds(host.state, look->uuid, &holds, err);
    *ret = r < 0 || (holds.n > 0 && holds.items[0].id == look->hold.id);
    return r;
}

static int forget(struct vfa_look *look, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_CLOSED;
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    return r == 0 ? vfa_state_end_hold(host.state, &look->hold, err) : r;
}

/* ---- suspending ---- */

/* Reads once more what the domain does, as the row that was read may be of a start that came after
 * the first answer. */
static int still_booted(struct vfa_look *look, bool *ret, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int known = vfa_look_run(look->handle, &run, err);

    *ret = known == 0 && run == VFA_RUN_BOOTED;
    return known < 0 ? known : 0;
}

static unsigned left_ms(const struct vfa_look *look)
{
    int64_t left = look->hold.since + look->config->hold_timeout - (int64_t)time(NULL);

    return left <= 0 ? 0 : (unsigned)(left * 1000);
}

/* A failure is no reason to be without devices: the guest gets them while it runs. */
static int suspend(struct vfa_look *look, struct vfa_error *err)
{
    if (virDomainSuspend(look->handle) < 0)
        return vfa_virt_fail(err, "domain '%s': cannot suspend it until its devices are attached",
                             look->domain->name);
    look->held = true;
    vfa_log(LOG_INFO, "domain '%s': suspended until its devices are attached", look->domain->name);
    return 0;
}

/* The domain was started anew since it was looked at, and that start is not to be held, or is not
 * known to be. */
static void undo(struct vfa_look *look)
{
    if (look->held && virDomainResume(look->handle) == 0)
        vfa_log(LOG_INFO, "domain '%s': resumed, it was started anew", look->domain->name);
    look->held = false;
}

static bool begin(struct vfa_look *look, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    bool same = false;
    int r = still_booted(look, &same, err);

    if (r == 0 && same)
        r = note_held(look, &same, err);
    if (r < 0)
        complain(look, err);
    if (r < 0 || !same)
        return false;
    vfa_look_again(look, left_ms(look));
    if (suspend(look, &why) < 0)
        vfa_log_change(look->uuid, LOG_WARNING, "%s", vfa_error_text(&why));
    if (is_noted(look, &same, err) < 0)
        complain(look, err);
    if (!same)
        undo(look);
    return same;
}

/* ---- resuming ---- */

static void log_resumed(const struct vfa_look *look, bool expired)
{
    if (expired)
        vfa_log(
            LOG_WARNING,
            "domain '%s': resumed after %u seconds (hold_timeout), not all of its devices are attached",
            look->domain->name, look->config->hold_timeout);
    else
        vfa_log(LOG_INFO, "domain '%s': resumed", look->domain->name);
}

/* It stays written down when it fails: the next look finds out how things are. */
static void end(struct vfa_look *look, bool expired, struct vfa_error *err)
{
    if (virDomainResume(look->handle) < 0) {
        vfa_virt_fail(err, "cannot resume domain '%s'", look->domain->name);
        complain(look, err);
        vfa_look_again(look, VFA_LOOK_BUSY);
        return;
    }
    log_resumed(look, expired);
    if (forget(look, err) < 0)
        complain(look, err);
}

static void drop(struct vfa_look *look, struct vfa_error *err)
{
    if (look->hold.held)
        vfa_log(LOG_INFO, "domain '%s': not held any longer", look->domain->name);
    if (forget(look, err) < 0)
        complain(look, err);
}

bool vfa_look_hold(struct vfa_look *look, enum vfa_hold_step step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    switch (step) {
    case VFA_HOLD_NOTHING:
        break;
    case VFA_HOLD_BEGIN:
        return begin(look, &err);
    case VFA_HOLD_GO_ON:
        look->held = true;
        vfa_look_again(look, left_ms(look));
        break;
    case VFA_HOLD_END:
    case VFA_HOLD_EXPIRE:
        end(look, step == VFA_HOLD_EXPIRE, &err);
        break;
    case VFA_HOLD_FORGET:
        drop(look, &err);
        break;
    }
    return true;
}

/* ---- the end of the daemon ---- */

static int resume_one(virConnectPtr conn, struct vfa_state *state, const struct vfa_hold *hold,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_virt_domain_unref)
    virDomainPtr domain = virDomainLookupByUUIDString(conn, hold->uuid);
    enum vfa_run run = VFA_RUN_ON;
    int known;

    if (!domain)
        return vfa_virt_fail(err, "cannot find domain '%s'", hold->uuid);
    known = vfa_look_run(domain, &run, err);
    if (known < 0)
        return known;
    if (known == 0 && run == VFA_RUN_PAUSED && virDomainResume(domain) < 0)
        return vfa_virt_fail(err, "cannot resume domain '%s'", virDomainGetName(domain));
    if (known == 0 && run == VFA_RUN_PAUSED)
        vfa_log(LOG_INFO, "domain '%s': resumed, its devices will be attached by the next vfaliasd",
                virDomainGetName(domain));
    return vfa_state_end_hold(state, hold, err);
}

static int read_holds(const struct vfa_config *config, struct vfa_holds *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    return r == 0 ? vfa_state_holds(state, NULL, ret, err) : r;
}

static int resume_all(struct vfa_daemon *daemon, const struct vfa_holds *holds,
                      struct vfa_error *err)
{
    const struct vfa_config *config = daemon->config->config;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = virConnectOpen(daemon->uri);
    int r;

    if (!conn)
        return vfa_virt_fail(err, "cannot connect to '%s'", daemon->uri);
    r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_WRITE, &state, err);
    for (size_t i = 0; r == 0 && i < holds->n; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (holds->items[i].held && resume_one(conn, state, &holds->items[i], &why) < 0)
            vfa_log(LOG_ERR, "%s", vfa_error_text(&why));
    }
    return r;
}

static bool any_held(const struct vfa_holds *holds)
{
    for (size_t i = 0; i < holds->n; i++) {
        if (holds->items[i].held)
            return true;
    }
    return false;
}

void vfa_hold_end_all(struct vfa_daemon *daemon)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = read_holds(daemon->config->config, &holds, &err);

    if (r == 0 && any_held(&holds))
        r = resume_all(daemon, &holds, &err);
    if (r < 0)
        vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
}

bool vfa_hold_any(struct vfa_daemon *daemon)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};

    return read_holds(daemon->config->config, &holds, NULL) == 0 && any_held(&holds);
}
