/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over one running domain: what was read, and what the steps need. Used by reconcile.h and
 * hold.h, which plan the steps, and by attach.h, which changes the domain.
 *
 * The domain may be stopped and started again between reading and a step. So every step that writes
 * to the state checks in its own transaction that the claim is the claim that was read.
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

#define VFA_REQUEUE_NEVER     UINT_MAX /* do not requeue */
#define VFA_REQUEUE_NOW       0
#define VFA_REQUEUE_BUSY      2000  /* another job uses the domain; no error */
#define VFA_REQUEUE_ERROR     5000  /* state file, memory */
#define VFA_REQUEUE_ERROR_MAX 60000 /* with back-off */
#define VFA_REQUEUE_WAITING   10000 /* an event will come; this is in case it got lost */
#define VFA_REQUEUE_DETACH    30000 /* the guest kept the device: ask it again */

/* Whether a job keeps libvirt from changing the domain. */
enum vfa_job {
    VFA_JOB_UNKNOWN, /* not asked yet */
    VFA_JOB_NONE,
    VFA_JOB_BUSY, /* a job does; the domain is requeued */
};

struct vfa_pass {
    struct vfa_daemon *daemon;
    const struct vfa_config *config;
    virDomainPtr handle;
    const char *uuid;
    struct vfa_claims claims;  /* read before the XML */
    int64_t ended;             /* VFA_COUNTER_ENDED, read before them */
    struct vfa_domain *domain; /* the live XML */
    struct vfa_hold hold;      /* read with the claims; id 0: no hold */
    bool held;                 /* the guest is suspended during the steps */
    enum vfa_job job;          /* what libvirt said of it in this pass */
    unsigned requeue_ms;       /* until the next pass: the least that a step wants */
};

/* Requeues the domain in `ms` at the latest; the earliest request wins. */
void vfa_pass_requeue_after(struct vfa_pass *pass, unsigned ms);

/* The key of vfa_log_change() for one request of the domain. */
#define VFA_PASS_KEY_SIZE (VFA_UUID_SIZE + 128)
const char *vfa_pass_key(const struct vfa_pass *pass, const char *request, char *buf);

/* Reads the live XML. 0, VFA_RECONCILE_NOT_RUNNING or an error. */
enum {
    VFA_RECONCILE_NOT_RUNNING = 1,
};
int vfa_pass_read(virDomainPtr handle, struct vfa_domain **ret, struct vfa_error *err);

/* Opens the state, begins a transaction and checks that the claim is still as it was read.
 * *ret_same false: it is not, and the transaction has ended. The caller commits with
 * vfa_state_commit(), and clears `host` in any case. */
int vfa_pass_begin(struct vfa_pass *pass, const struct vfa_claim *claim, struct vfa_host *host,
                   bool *ret_same, struct vfa_error *err);

/* Asks libvirt whether the domain runs. VFA_PASS_IN_BETWEEN: a job of libvirt works on the domain,
 * and an event will come at its end. */
enum {
    VFA_PASS_IN_BETWEEN = 1,
};
int vfa_pass_run(virDomainPtr handle, enum vfa_run *ret, struct vfa_error *err);

/* Resumes the guest. 0 also if the guest is no longer paused. */
int vfa_pass_resume(virDomainPtr handle, struct vfa_error *err);

#endif
