/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How claims end: the only way there is, in two steps.
 *
 *   1. Inside a transaction, the caller's if one is open, its domain loses the claim. Where nothing
 *      was changed of the device, the claim is gone and the device is free. Else it is `releasing`
 *      from then on: nobody's, and nobody can claim it. No driver is asked in this step.
 *   2. Outside of a transaction, vfa_release_finish() makes the device what it was. Then, in one
 *      transaction, what was saved of it goes and the claim goes (or is `cleaning`, if a cleaner
 * has to run).
 *
 * A process that is killed leaves a row in `releasing`; the next program that calls
 * vfa_release_finish() finishes it: vfaliasd at once, else a hook or `vfalias gc`. Two of them
 * exclude each other by a lock of the device (presence.h), under which alone a driver is told
 * something and a row in `releasing` goes: so no late request reaches the device of its next owner.
 *
 * A driver that refuses for now is asked again: at first for VFA_RELEASE_WAIT_MS, then 1, 2, 4 and
 * so on seconds after the claim ended, until VFA_RELEASE_GIVE_UP_S have passed. One that refuses
 * for good, or for that long, has its device put into quarantine, and what was saved stays:
 * vfa_release_restore() or the release of a later claim tries again. host->warn is told.
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

#define VFA_RELEASE_WAIT_MS   2000
#define VFA_RELEASE_GIVE_UP_S 60

/* For which reason a domain loses a claim, for a person. */
#define VFA_WHY_STOPPED  "its domain stopped"
#define VFA_WHY_FAILED   "its domain did not start"
#define VFA_WHY_LEFT     "it was left over from an earlier start of its domain"
#define VFA_WHY_UNBACKED "no running domain has it"
#define VFA_WHY_DETACHED "it was detached from its domain"
#define VFA_WHY_ENDED    "its request ended"
#define VFA_WHY_BY_HAND  "it was released by hand"
#define VFA_WHY_REPLACED "its domain has another device"

/* ---- step 1 ---- */

/* The claims that a domain holds: one request, or (request NULL) all and its withdrawals. *ret_n,
 * if not NULL, gets their number. None there is fine. */
int vfa_release(struct vfa_host *host, const char *uuid, const char *request, const char *why,
                size_t *ret_n, struct vfa_error *err);

/* One claim, as the caller has read it in the open transaction. */
int vfa_release_claim(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                      struct vfa_error *err);

/* All that a domain had which ended at that time (seconds since the epoch), also its hold. What it
 * has of a later start stays: who tells of the end may come late. */
int vfa_release_ended(struct vfa_host *host, const char *uuid, int64_t at, size_t *ret_n,
                      struct vfa_error *err);

/* As vfa_release() by the domain's name, for when its UUID is not known. */
int vfa_release_name(struct vfa_host *host, const char *domain, const char *why, size_t *ret_n,
                     struct vfa_error *err);

/* The claim of a request that is to be left alone from now on: see vfa_state_withdraw(). */
int vfa_release_withdraw(struct vfa_host *host, const char *uuid, const char *request,
                         struct vfa_error *err);

/* ---- step 2 ---- */
enum vfa_release_patience {
    VFA_RELEASE_ONCE, /* each that is due is tried once; one that is locked is left to who has it */
    VFA_RELEASE_WAIT, /* each is tried; for those that were not tried before the call waits,
                         VFA_RELEASE_WAIT_MS in all */
};

struct vfa_release_left {
    size_t n;       /* claims that are still releasing */
    unsigned due_s; /* in how many seconds the next of them is due, at least 1 */
};

/* Finishes what is releasing, whoever began it. Not inside a transaction. *ret_left is written also
 * on error; NULL is fine. An error is the first of several: one device keeps none of the others.
 * Costs one query where there is none. */
int vfa_release_finish(struct vfa_host *host, enum vfa_release_patience patience,
                       struct vfa_release_left *ret_left, struct vfa_error *err);

/* The same for a domain that has lost claims: VFA_RELEASE_WAIT if one of those that are releasing
 * was its own, else VFA_RELEASE_ONCE. No domain waits for what another one had: while vfaliasd is
 * there, the drivers of others' devices are left to it. */
int vfa_release_finish_own(struct vfa_host *host, const char *uuid,
                           struct vfa_release_left *ret_left, struct vfa_error *err);

/* For a domain that is about to start: ends what it still had, and waits as VFA_RELEASE_WAIT says
 * for what it had. What is incoming stays. */
int vfa_release_leftovers(struct vfa_host *host, const char *uuid, struct vfa_error *err);

/* Waits, as VFA_RELEASE_WAIT says, if something is releasing; for what is left to vfaliasd until
 * that has tried. True if a device has become free since VFA_COUNTER_FREED was `freed`: choosing
 * again makes sense. uuid: of the domain that waits. */
bool vfa_release_await_any(struct vfa_host *host, const char *uuid, int64_t freed);

/* ---- quarantine ---- */

/* Keeps a device from the next domain; host->warn is told. */
int vfa_release_quarantine(struct vfa_host *host, const char *device,
                           enum vfa_quarantine_cause cause, const char *reason,
                           struct vfa_error *err);

/* Takes a device out of quarantine. What was saved of it is put back first, unless a claim stands
 * for that; with `forget` it is forgotten instead. 0,
 * VFA_STATE_ABSENT (it is in no quarantine) or an error: it stays there. Not inside a transaction.
 */
int vfa_release_restore(struct vfa_host *host, const char *device, bool forget,
                        struct vfa_error *err);
/* The same, and its cleaner runs before it is free: see vfa_cleaning_end_quarantine(). */
int vfa_release_restore_and_clean(struct vfa_host *host, const char *device, bool forget,
                                  struct vfa_error *err);

/* Ends a claim if it still is what `claim` says (device, state, since), as vfa_release() does.
 * *ret: whether it was. */
int vfa_release_unchanged(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                          bool *ret, struct vfa_error *err);

#endif
