/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How claims end: always in two steps.
 *
 *   1. Inside a transaction (the caller's, if one is open) the domain loses the claim. If nothing
 *      was changed of the device, the claim is gone and the device is free. Else the claim is
 *      `releasing`: no domain holds the device, and none can claim it. No driver is called.
 *   2. Outside of a transaction, vfa_release_finish() restores the settings of the device. Then one
 *      transaction removes the saved settings and the claim (or makes it `cleaning`, if a cleaner
 *      has to run).
 *
 * A process that is killed leaves a row in `releasing`. The next program that calls
 * vfa_release_finish() finishes it: vfaliasd at once, else a hook or `vfalias gc`. A lock of the
 * device (state/lock.h) excludes other programs: only its holder calls the driver and removes the
 * row. So no late call reaches the device of the next owner.
 *
 * A driver that refuses for now is called again: at first for VFA_RELEASE_WAIT_MS, then 1, 2, 5, 10
 * and so on seconds after the claim ended, until VFA_RELEASE_GIVE_UP_S have passed. The file of an
 * attribute gets VFA_RELEASE_ATTRIBUTES_S: no known driver needs longer, and a file does not say
 * whether it refuses for good. A driver or file that refuses for good, or for that long, puts the
 * device into quarantine, and what is saved stays: vfa_release_restore() or the release of a later
 * claim tries again. host->warn is called. A device that was made goes there only if the kernel
 * refuses for good to destroy it; else the attempts go on, in the end every VFA_RELEASE_PERIOD_S.
 *
 * Lock order: the device's lock, then the state's transaction.
 */
#ifndef VFA_CLAIM_RELEASE_H
#define VFA_CLAIM_RELEASE_H

#include "base/common.h"
#include "base/error.h"
#include "state/claims.h"
#include "state/quarantine.h"
#include "host/host.h"

#define VFA_RELEASE_WAIT_MS      2000
#define VFA_RELEASE_ATTRIBUTES_S 10
#define VFA_RELEASE_GIVE_UP_S    60
#define VFA_RELEASE_PERIOD_S     960

/* The reasons why a domain loses a claim, for a person. */
#define VFA_WHY_STOPPED  "its domain stopped"
#define VFA_WHY_FAILED   "its domain did not start"
#define VFA_WHY_LEFT     "it was left over from an earlier start of its domain"
#define VFA_WHY_UNBACKED "no running domain has it"
#define VFA_WHY_DETACHED "it was detached from its domain"
#define VFA_WHY_ENDED    "its request ended"
#define VFA_WHY_BY_HAND  "it was released by hand"
#define VFA_WHY_REPLACED "its domain has another device"

/* ---- step 1 ---- */

/* Releases the claims that a domain holds: of one request, or (request NULL) all, and its
 * withdrawals. *ret_n, if not NULL, gets their number, which may be 0. */
int vfa_release(struct vfa_host *host, const char *uuid, const char *request, const char *why,
                size_t *ret_n, struct vfa_error *err);

/* Releases one claim, which the caller has read in the open transaction. */
int vfa_release_claim(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                      struct vfa_error *err);

/* Releases all that a domain had when it ended (seconds since the epoch), also its hold. Claims of
 * a later start stay: the report of an end may come late. */
int vfa_release_ended(struct vfa_host *host, const char *uuid, int64_t at, size_t *ret_n,
                      struct vfa_error *err);

/* Releases by the domain's name, if its UUID is not known. */
int vfa_release_name(struct vfa_host *host, const char *domain, const char *why, size_t *ret_n,
                     struct vfa_error *err);

/* Releases the claim of a request and withdraws the request: see vfa_state_withdraw(). */
int vfa_release_withdraw(struct vfa_host *host, const char *uuid, const char *request,
                         struct vfa_error *err);

/* ---- step 2 ---- */
enum vfa_release_patience {
    VFA_RELEASE_ONCE, /* tries each due claim once; skips locked devices */
    VFA_RELEASE_WAIT, /* tries each; waits VFA_RELEASE_WAIT_MS in all for those not tried before */
    /* Both leave the further made devices after one for which the kernel has not answered. */
};

struct vfa_release_left {
    size_t n;       /* releasing claims */
    unsigned due_s; /* seconds until the next of them is due, at least 1 */
};

/* Finishes all releasing claims. Not inside a transaction. *ret_left (may be NULL) is written also
 * on error. Returns the first error; one device does not stop the others. Costs one query if no
 * claim is releasing. */
int vfa_release_finish(struct vfa_host *host, enum vfa_release_patience patience,
                       struct vfa_release_left *ret_left, struct vfa_error *err);

/* The same for a domain that has lost claims: VFA_RELEASE_WAIT if one of the releasing claims was
 * its own, else VFA_RELEASE_ONCE. A domain does not wait for devices of others: while vfaliasd is
 * running, it handles them. */
int vfa_release_finish_own(struct vfa_host *host, const char *uuid,
                           struct vfa_release_left *ret_left, struct vfa_error *err);

/* For a domain that is about to start: releases its old claims and waits for their devices as
 * VFA_RELEASE_WAIT says. Incoming claims stay. */
int vfa_release_leftovers(struct vfa_host *host, const char *uuid, struct vfa_error *err);

/* Waits as VFA_RELEASE_WAIT says if a claim is releasing; waits for vfaliasd until it has tried its
 * claims. True if a device has become free since VFA_COUNTER_FREED was `freed`: a new choice makes
 * sense. uuid: the domain that waits. */
bool vfa_release_await_any(struct vfa_host *host, const char *uuid, int64_t freed);

/* ---- quarantine ---- */

/* Puts a device into quarantine; calls host->warn. */
int vfa_release_quarantine(struct vfa_host *host, const char *device,
                           enum vfa_quarantine_cause cause, const char *reason,
                           struct vfa_error *err);

/* Takes a device out of quarantine. Restores its saved settings first, unless a claim will do it;
 * with `forget` it forgets them instead. 0, VFA_STATE_ABSENT (not in quarantine) or an error: the
 * device stays in quarantine. Not inside a transaction. */
int vfa_release_restore(struct vfa_host *host, const char *device, bool forget,
                        struct vfa_error *err);
/* The same, and its cleaner runs before the device is free: see vfa_cleaning_end_quarantine(). */
int vfa_release_restore_and_clean(struct vfa_host *host, const char *device, bool forget,
                                  struct vfa_error *err);

/* Releases a claim if it is unchanged (device, state, since). *ret: whether it was. */
int vfa_release_unchanged(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                          bool *ret, struct vfa_error *err);

#endif
