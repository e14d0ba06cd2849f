/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look at one running domain: what was seen, and what its steps need (daemon-look.c). Shared by
 * daemon-reconcile.c, which looks and decides, and daemon-attach.c, which attaches and detaches.
 *
 * Every step that writes to the state checks in its own transaction that the claim is still the one
 * that was seen: between look and step the domain may have been stopped and started again.
 */
#ifndef VFA_DAEMON_LOOK_H
#define VFA_DAEMON_LOOK_H

#include "daemon-plan.h"
#include "daemon.h"

#define VFA_LOOK_NOW     0
#define VFA_LOOK_BUSY    2000  /* another job has the domain; nothing is wrong */
#define VFA_LOOK_ERROR   5000  /* state file, memory */
#define VFA_LOOK_WAITING 10000 /* an event is due; this is for when it got lost */
#define VFA_LOOK_DETACH  30000 /* the guest did not let go: ask it again */

struct vfa_look {
    struct vfa_daemon *daemon;
    const struct vfa_config *config;
    virDomainPtr handle;
    const char *uuid;
    struct vfa_claims claims;  /* read before the XML */
    int64_t freed;             /* VFA_COUNTER_FREED, read before them */
    struct vfa_domain *domain; /* the live XML */
    struct vfa_hold hold;      /* read with the claims; id 0: there is none */
    bool held;                 /* the guest waits while the steps are done */
    unsigned again;            /* when to look again: the least of what the steps want */
};

/* Wants another look in ms, or earlier if somebody else wants that. */
void vfa_look_again(struct vfa_look *look, unsigned ms);

/* The key of vfa_log_change() for one request of the domain. */
#define VFA_LOOK_KEY_SIZE (VFA_UUID_SIZE + 128)
const char *vfa_look_key(const struct vfa_look *look, const char *request, char *buf);

/* The live XML as it is now. 0, VFA_RECONCILE_NOT_RUNNING or an error. */
int vfa_look_read(virDomainPtr handle, struct vfa_domain **ret, struct vfa_error *err);

/* Opens the state, begins a transaction and checks that the claim is as it was seen. *ret_same:
 * false ends it again. Commit with vfa_state_commit(); host is cleared by the caller in any case.
 */
int vfa_look_begin(struct vfa_look *look, const struct vfa_claim *claim, struct vfa_host *host,
                   bool *ret_same, struct vfa_error *err);

/* What the domain does now. VFA_LOOK_IN_BETWEEN: somebody else is at work on it, and an event will
 * tell when that is over. */
enum {
    VFA_LOOK_IN_BETWEEN = 1,
};
int vfa_look_run(virDomainPtr handle, enum vfa_run *ret, struct vfa_error *err);

/* ---- daemon-hold.c: the guest that waits. Errors are handled, not returned. ---- */
/* What the plan says. False: it is void, as another start was seen. */
bool vfa_look_hold(struct vfa_look *look, enum vfa_hold_step step);

/* ---- daemon-attach.c: steps that change the domain. Errors are handled, not returned. ---- */
/* True if the domain's devices have changed, so that what was seen is no longer so. */
bool vfa_look_attach(struct vfa_look *look, const struct vfa_step *step);
void vfa_look_give_up(struct vfa_look *look, const struct vfa_step *step);
void vfa_look_detach(struct vfa_look *look, const struct vfa_step *step);

#endif
