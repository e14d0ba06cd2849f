/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look at one running domain: what was seen, and what its steps need. Shared by those that look
 * and decide (reconcile.h, hold.h) and those that change the domain
 * (attach.h).
 *
 * Every step that writes to the state checks in its own transaction that the claim is still the one
 * that was seen: between look and step the domain may have been stopped and started again.
 */
#ifndef VFA_VFALIASD_PASS_H
#define VFA_VFALIASD_PASS_H

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/hold.h"
#include "host/host.h"
#include "daemon.h"
#include "plan.h"

#include <libvirt/libvirt.h>

#include <limits.h>

#define VFA_REQUEUE_NEVER     UINT_MAX /* there is no need to look again */
#define VFA_REQUEUE_NOW       0
#define VFA_REQUEUE_BUSY      2000  /* another job has the domain; nothing is wrong */
#define VFA_REQUEUE_ERROR     5000  /* state file, memory */
#define VFA_REQUEUE_ERROR_MAX 60000 /* with back-off */
#define VFA_REQUEUE_WAITING   10000 /* an event is due; this is for when it got lost */
#define VFA_REQUEUE_DETACH    30000 /* the guest did not let go: ask it again */

/* What keeps libvirt from changing the domain. */
enum vfa_job {
    VFA_JOB_UNKNOWN, /* not asked yet */
    VFA_JOB_NONE,
    VFA_JOB_BUSY, /* something does; the next look is asked for */
};

struct vfa_pass {
    struct vfa_daemon *daemon;
    const struct vfa_config *config;
    virDomainPtr handle;
    const char *uuid;
    struct vfa_claims claims;  /* read before the XML */
    int64_t ended;             /* VFA_COUNTER_ENDED, read before them */
    struct vfa_domain *domain; /* the live XML */
    struct vfa_hold hold;      /* read with the claims; id 0: there is none */
    bool held;                 /* the guest waits while the steps are done */
    enum vfa_job job;          /* what was found out of it */
    unsigned requeue_ms;       /* when to look again: the least of what the steps want */
};

/* Wants another look in ms, or earlier if somebody else wants that. */
void vfa_pass_requeue_after(struct vfa_pass *pass, unsigned ms);

/* The key of vfa_log_change() for one request of the domain. */
#define VFA_PASS_KEY_SIZE (VFA_UUID_SIZE + 128)
const char *vfa_pass_key(const struct vfa_pass *pass, const char *request, char *buf);

/* The live XML as it is now. 0, VFA_RECONCILE_NOT_RUNNING or an error. */
enum {
    VFA_RECONCILE_NOT_RUNNING = 1,
};
int vfa_pass_read(virDomainPtr handle, struct vfa_domain **ret, struct vfa_error *err);

/* Opens the state, begins a transaction and checks that the claim is as it was seen. *ret_same:
 * false ends it again. Commit with vfa_state_commit(); host is cleared by the caller in any case.
 */
int vfa_pass_begin(struct vfa_pass *pass, const struct vfa_claim *claim, struct vfa_host *host,
                   bool *ret_same, struct vfa_error *err);

/* What the domain does now. VFA_PASS_IN_BETWEEN: somebody else is at work on it, and an event will
 * tell when that is over. */
enum {
    VFA_PASS_IN_BETWEEN = 1,
};
int vfa_pass_run(virDomainPtr handle, enum vfa_run *ret, struct vfa_error *err);

/* Resumes the guest. That somebody else was first is no error. */
int vfa_pass_resume(virDomainPtr handle, struct vfa_error *err);

#endif
