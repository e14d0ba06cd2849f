/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See release.h: the second step. For each claim in turn: lock the device, check that the claim is
 * unchanged, restore the settings, record the result, unlock.
 *
 * A driver is never called inside a transaction, and never without the lock. The saved settings go
 * in the same transaction as the claim: a process that is killed leaves both.
 */

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "device/kind.h"
#include "device/netlink.h"
#include "device/sysfs.h"
#include "state/claims.h"
#include "state/full.h"
#include "state/lock.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "cleaning.h"
#include "release.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define MAX_ATTEMPTS 30 /* where the clock cannot tell: it was set back */

/* Seconds from the end of a claim to its attempts, after the first. Those after a minute are only for
 * devices that were made; behind the end of the table, the last value is the time between two. */
static const unsigned schedule[] = {
    1,   2,   5,   VFA_RELEASE_ATTRIBUTES_S, 20, 40, VFA_RELEASE_GIVE_UP_S,
    120, 240, 480, VFA_RELEASE_PERIOD_S};

struct work {
    struct vfa_host *host;
    struct vfa_netlink *nl;       /* opened with the first device */
    struct vfa_patience patience; /* for all claims together */
    const char *uuid;             /* the domain that waits, or NULL */
    bool slow;                    /* the kernel did not answer for one of the made devices */
};

static void finish_work_clear(struct work *w)
{
    w->nl = vfa_netlink_close(w->nl);
}

/* ---- the lock ---- */

/* 0 with *ret_fd, VFA_LOCK_TAKEN or an error. */
static int lock_device(const struct work *w, const char *device, struct vfa_patience patience,
                       int *ret_fd, struct vfa_error *err)
{
    int r;

    do
        r = vfa_lock_device(w->host->config->state_path, device, ret_fd, err);
    while (r == VFA_LOCK_TAKEN && vfa_patience_wait(&patience));
    return r;
}

/* ---- the driver ---- */

static int open_netlink(struct work *w, const char *device, struct vfa_error *err)
{
    if (w->nl)
        return 0;
    if (!vfa_sysfs_is_host(&w->host->sysfs))
        return vfa_fail(err, EPERM, "cannot set back the settings of %s: '%s' is not this host's",
                        device, w->host->config->sysfs_root);
    return vfa_netlink_open(&w->nl, err);
}

/* True for attributes, and for errors of a VF that resets. A PF without a link is not waited for
 * here. */
static bool passes_soon(int undone, const struct vfa_error *why)
{
    return undone == VFA_VF_NOT_YET ||
           (undone == VFA_VF_NOT_NOW && (why->code == EAGAIN || why->code == EBUSY));
}

/* Restores all saved settings of the device. Returns the result of vfa_provisioner_undo(); *why is
 * its error. */
static int put_back(struct work *w, const char *device, struct vfa_patience patience,
                    struct vfa_error *why, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    int r = vfa_state_saved(w->host->state, device, &list, err);

    if (r < 0 || list.n == 0)
        return r;
    r = open_netlink(w, device, err);
    if (r < 0)
        return r;
    for (;;) {
        vfa_error_clear(why);
        r = vfa_provisioner_undo(w->host, w->nl, &list.items[0], why);
        if (r < 0)
            return vfa_error_move(err, why);
        if (!passes_soon(r, why) || !vfa_patience_wait(&patience))
            return r;
    }
}

/* ---- quarantine ---- */

static int quarantine_unrestored(struct vfa_host *host, const struct vfa_claim *claim,
                                 const struct vfa_error *why, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *reason = NULL;

    if (asprintf(&reason, "%s: %s",
                 claim->maker ? "it was made for a guest, and is not destroyed"
                              : "its settings are not what they were before a guest had it",
                 vfa_error_text(why)) < 0) {
        reason = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_release_quarantine(host, claim->device, VFA_QUARANTINE_SETTINGS, reason, err);
}

/* Ends a quarantine that is only for settings: they are restored now. */
static int end_settings_quarantine(struct vfa_host *host, const char *device, struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    int r = vfa_state_quarantined(host->state, device, &list, err);

    if (r == 0 && list.n > 0 && list.items[0].cause == VFA_QUARANTINE_SETTINGS)
        r = vfa_state_end_quarantine(host->state, device, err);
    return r < 0 ? r : 0;
}

/* ---- what came of it ---- */

static int end_well(struct vfa_host *host, const struct vfa_claim *claim, struct vfa_error *err)
{
    int r = vfa_state_forget_saved(host->state, claim->device, err);

    if (r == 0)
        r = end_settings_quarantine(host, claim->device, err);
    return r == 0 ? vfa_cleaning_released(host, claim, err) : r;
}

static int end_badly(struct vfa_host *host, const struct vfa_claim *claim,
                     const struct vfa_error *why, struct vfa_error *err)
{
    int r = quarantine_unrestored(host, claim, why, err);

    if (r == 0 && claim->maker)
        r = vfa_state_lose_slot(host->state, claim->maker, err);
    return r < 0 ? r : vfa_state_end_release(host->state, claim, err);
}

/* ---- when ---- */

static int64_t age_of(const struct vfa_claim *claim)
{
    return (int64_t)time(NULL) - claim->state_since;
}

/* Seconds until the next attempt. The first attempts follow quickly. */
static unsigned due_in(const struct vfa_claim *claim)
{
    int64_t age = age_of(claim), due = 0;
    size_t last = ARRAY_SIZE(schedule);

    if (claim->attempts > last)
        due = (int64_t)VFA_RELEASE_PERIOD_S * (int64_t)(claim->attempts - last + 1);
    else if (claim->attempts > 0)
        due = schedule[claim->attempts - 1];
    if (age < 0)
        return 0; /* the clock was set back: the attempt corrects the row */
    return due > age ? (unsigned)(due - age) : 0;
}

/* Records the result; `undone`: as put_back() returned. VFA_STATE_ABSENT: the claim has changed,
 * and all stays. An attempt before its time does not count: domains that start and stop often must
 * not use up the attempts of a minute, nor delay the next one. */
static int write_down(struct vfa_host *host, const struct vfa_claim *claim, int undone,
                      const struct vfa_error *why, struct vfa_error *err)
{
    int r = vfa_state_begin(host->state, err);

    if (r < 0)
        return r;
    if (undone == 0)
        r = end_well(host, claim, err);
    else if (undone == VFA_VF_REFUSED)
        r = end_badly(host, claim, why, err);
    else if (due_in(claim) == 0)
        r = vfa_state_set_release_error(host->state, claim, vfa_error_text(why), err);
    return vfa_state_finish(host->state, true, r, err);
}

/* ---- one claim ---- */

/* Under the lock: whether the claim exists and is unchanged. */
static int is_same(struct vfa_host *host, const struct vfa_claim *claim, bool *ret,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {NULL, 0};
    int r = vfa_state_ending(host->state, &now, err);

    *ret = false;
    for (size_t i = 0; r == 0 && i < now.n; i++) {
        const struct vfa_claim *c = &now.items[i];

        if (strcmp(c->device, claim->device) == 0)
            *ret = c->state == claim->state && c->since == claim->since &&
                   c->state_since == claim->state_since && strcmp(c->uuid, claim->uuid) == 0 &&
                   strcmp(c->request, claim->request) == 0;
    }
    return r;
}

/* undone: VFA_VF_NOT_NOW or VFA_VF_NOT_YET. A device that was made can be destroyed when the kernel
 * answers again or no program has it open any more, however late: its domain needs its name. */
static bool is_hopeless(const struct vfa_claim *claim, int undone)
{
    int64_t limit = undone == VFA_VF_NOT_YET ? VFA_RELEASE_ATTRIBUTES_S : VFA_RELEASE_GIVE_UP_S;

    return !claim->maker && (age_of(claim) >= limit || claim->attempts >= MAX_ATTEMPTS);
}

static bool is_vfaliasd_running(const struct vfa_host *host)
{
    bool present = false;

    return vfa_lock_is_held(host->config->state_path, &present, NULL) == 0 && present;
}

/* A driver may take very long. A domain waits only for its own former devices, and leaves others to
 * vfaliasd. */
static int is_left(const struct work *w, const struct vfa_claim *claim, bool *ret,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    int r = 0;

    *ret = false;
    if (w->uuid && strcmp(claim->uuid, w->uuid) != 0)
        r = vfa_state_saved(w->host->state, claim->device, &list, err);
    *ret = list.n > 0 && is_vfaliasd_running(w->host);
    return r;
}

/* A device that another program has locked is left to that program. */
static int finish_claim(struct work *w, const struct vfa_claim *claim, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    const struct vfa_patience patience =
        claim->attempts == 0 ? w->patience : (struct vfa_patience){.deadline = 0};
    VFA_AUTO(vfa_lock_endp) int lock = -1;
    bool same = false;
    int64_t began;
    int undone, r = lock_device(w, claim->device, patience, &lock, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = is_same(w->host, claim, &same, err);
    if (r < 0 || !same)
        return r;
    began = vfa_clock_ms();
    undone = put_back(w, claim->device, patience, &why, err);
    if (undone < 0)
        return undone;
    if (undone == VFA_VF_NOT_NOW && vfa_clock_ms() - began >= VFA_RELEASE_WAIT_MS)
        w->slow = true;
    if ((undone == VFA_VF_NOT_NOW || undone == VFA_VF_NOT_YET) && is_hopeless(claim, undone))
        undone = VFA_VF_REFUSED;
    r = write_down(w->host, claim, undone, &why, err);
    return r < 0 ? r : 0;
}

static void count_left(struct vfa_host *host, struct vfa_release_left *ret)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};

    *ret = (struct vfa_release_left){.due_s = VFA_RELEASE_GIVE_UP_S};
    if (vfa_state_ending(host->state, &ending, NULL) < 0)
        return;
    for (size_t i = 0; i < ending.n; i++) {
        unsigned due = due_in(&ending.items[i]);

        if (ending.items[i].state != VFA_CLAIM_RELEASING)
            continue;
        ret->n++;
        if (due < ret->due_s)
            ret->due_s = due > 0 ? due : 1;
    }
}

/* libvirt holds the domain's lock meanwhile: after a made device for which the kernel did not answer,
 * the others have to wait for the next round. */
static int finish_if_due(struct work *w, const struct vfa_claim *claim,
                         enum vfa_release_patience patience, struct vfa_error *err)
{
    bool left = false;
    int r;

    if (claim->state != VFA_CLAIM_RELEASING ||
        (w->slow && strcmp(claim->kind, VFA_KIND_PCI) != 0) ||
        (patience == VFA_RELEASE_ONCE && due_in(claim) > 0))
        return 0;
    r = is_left(w, claim, &left, err);
    return r == 0 && !left ? finish_claim(w, claim, err) : r;
}

static int finish_all(struct vfa_host *host, const char *uuid, enum vfa_release_patience patience,
                      struct vfa_release_left *ret_left, struct vfa_error *err)
{
    VFA_AUTO(finish_work_clear) struct work w = {.host = host, .uuid = uuid};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    int result = vfa_state_ending(host->state, &ending, err);

    if (patience == VFA_RELEASE_WAIT && ending.n > 0)
        w.patience = vfa_patience_begin(VFA_RELEASE_WAIT_MS);
    for (size_t i = 0; i < ending.n; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
        int r = finish_if_due(&w, &ending.items[i], patience, &why);

        if (r < 0 && result == 0)
            result = vfa_error_move(err, &why);
    }
    host->slow = w.slow;
    if (ret_left)
        count_left(host, ret_left);
    return result;
}

int vfa_release_finish(struct vfa_host *host, enum vfa_release_patience patience,
                       struct vfa_release_left *ret_left, struct vfa_error *err)
{
    return finish_all(host, NULL, patience, ret_left, err);
}

/* ---- in a hook ---- */

/* *ret_some: the domain had leftovers, or has claims that are ending. */
static int end_leftovers(struct vfa_host *host, const char *uuid, bool *ret_some,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_all_claims(host->state, uuid, &claims, err);

    for (size_t i = 0; i < claims.n && r == 0; i++) {
        const struct vfa_claim *claim = &claims.items[i];

        if (claim->state == VFA_CLAIM_INCOMING)
            continue;
        *ret_some = true;
        if (vfa_claim_is_held(claim->state))
            r = vfa_release(host, uuid, claim->request, VFA_WHY_LEFT, NULL, err);
    }
    return r;
}

static int has_ending(struct vfa_host *host, const char *uuid, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    int r = vfa_state_ending(host->state, &ending, err);

    *ret = false;
    for (size_t i = 0; i < ending.n; i++)
        *ret = *ret || strcmp(ending.items[i].uuid, uuid) == 0;
    return r;
}

int vfa_release_finish_own(struct vfa_host *host, const char *uuid,
                           struct vfa_release_left *ret_left, struct vfa_error *err)
{
    bool own = false;
    int r = has_ending(host, uuid, &own, err);

    if (r < 0)
        return r;
    return finish_all(host, uuid, own ? VFA_RELEASE_WAIT : VFA_RELEASE_ONCE, ret_left, err);
}

int vfa_release_leftovers(struct vfa_host *host, const char *uuid, struct vfa_error *err)
{
    bool some = false, own = false;
    int r = end_leftovers(host, uuid, &some, err);

    if (r == 0 && some)
        r = has_ending(host, uuid, &own, err);
    return r == 0 && own ? vfa_release_finish_own(host, uuid, NULL, err) : r;
}

/* ---- a start that needs what is being released ---- */

static bool has_freed(struct vfa_host *host, int64_t since)
{
    int64_t now = since;

    return vfa_state_counter(host->state, VFA_COUNTER_FREED, &now, NULL) == 0 && now != since;
}

/* True if vfaliasd has not tried a releasing claim yet. */
static bool has_untried(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    bool found = false;

    if (vfa_state_ending(host->state, &ending, NULL) < 0)
        return false;
    for (size_t i = 0; i < ending.n; i++)
        found = found ||
                (ending.items[i].state == VFA_CLAIM_RELEASING && ending.items[i].attempts == 0);
    return found;
}

bool vfa_release_await_any(struct vfa_host *host, const char *uuid, int64_t freed)
{
    struct vfa_patience patience = vfa_patience_begin(VFA_RELEASE_WAIT_MS);

    if (!host->slow)
        finish_all(host, uuid, VFA_RELEASE_WAIT, NULL, NULL);
    while (has_untried(host) && is_vfaliasd_running(host) && vfa_patience_wait(&patience))
        ;
    return has_freed(host, freed);
}

/* ---- out of quarantine ---- */

/* A claim on the device, also a releasing one, restores the settings when it ends. */
static int take_out_restored(struct vfa_host *host, const char *device, bool clean,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list saved = {NULL, 0};
    bool claimed = false;
    int r = vfa_state_begin(host->state, err);

    if (r < 0)
        return r;
    r = vfa_state_is_claimed(host->state, device, &claimed, err);
    if (r == 0)
        r = vfa_state_saved(host->state, device, &saved, err);
    if (r == 0 && !claimed)
        r = vfa_state_forget_saved(host->state, device, err);
    if (r == 0)
        r = vfa_cleaning_end_quarantine(host, device, clean, saved.n > 0, err);
    return vfa_state_finish(host->state, true, r, err);
}

static int restore(struct vfa_host *host, const char *device, bool forget, bool clean,
                   struct vfa_error *err)
{
    VFA_AUTO(finish_work_clear)
    struct work w = {.host = host, .patience = vfa_patience_begin(VFA_RELEASE_WAIT_MS)};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_lock_endp) int lock = -1;
    bool claimed = false;
    int r = lock_device(&w, device, w.patience, &lock, err);

    if (r == VFA_LOCK_TAKEN)
        return vfa_fail(err, EBUSY, "another program is putting back the settings of %s: try again",
                        device);
    if (r == 0)
        r = vfa_state_is_claimed(host->state, device, &claimed, err);
    if (r == 0 && !claimed && !forget)
        r = put_back(&w, device, w.patience, &why, err);
    if (r > 0)
        return vfa_fail(err, why.code, "its settings cannot be put back: %s", vfa_error_text(&why));
    return r == 0 ? take_out_restored(host, device, clean, err) : r;
}

int vfa_release_restore(struct vfa_host *host, const char *device, bool forget,
                        struct vfa_error *err)
{
    return restore(host, device, forget, false, err);
}

int vfa_release_restore_and_clean(struct vfa_host *host, const char *device, bool forget,
                                  struct vfa_error *err)
{
    return restore(host, device, forget, true, err);
}
