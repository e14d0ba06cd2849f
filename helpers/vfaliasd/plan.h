/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans the steps for one running domain: compares its live XML with its claims. Pure: no libvirt,
 * no state file, no clock. The caller does the steps, and checks each again before.
 *
 * Invariants: no request and no claim has two steps. A domain that has what it requests has no
 * step. No ATTACH step for a device that the domain has. The claims must have been read before the
 * XML: then an active claim without a device means that the device was detached.
 *
 * A guest with a hold (state/hold.h) is suspended before the steps, and resumed once no step is
 * left to wait for. libvirt's reason for a state tells what has happened to the guest. A guest is
 * "booted" until it is paused for the first time: if it runs but is not "booted", its user has
 * resumed it, and it is left alone. If it was paused before its row was marked as held, its user
 * has paused it (virsh start --paused), and it stays paused. If both the user and vfaliasd
 * suspended it, libvirt does not say so.
 */
#ifndef VFA_VFALIASD_PLAN_H
#define VFA_VFALIASD_PLAN_H

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/hold.h"
#include "state/withdrawn.h"

enum vfa_step_kind {
    VFA_STEP_ALLOCATE,  /* requested, but no claim and no device: hot-plug */
    VFA_STEP_ATTACH,    /* claimed, but not attached */
    VFA_STEP_GIVE_UP,   /* claimed, but attaching failed too often */
    VFA_STEP_DETACH,    /* attached, but its request is gone */
    VFA_STEP_RELEASE,   /* claimed, but neither requested nor attached */
    VFA_STEP_WITHDRAW,  /* was attached, but the user detached it by hand */
    VFA_STEP_SET_ASIDE, /* was attached, but a lease holder detached it: the claim stays */
    VFA_STEP_END_LEASE, /* the lease holder has ended */
};

struct vfa_step {
    enum vfa_step_kind kind;
    const struct vfa_request *request; /* all but DETACH, RELEASE; else NULL */
    const struct vfa_claim *claim;     /* all but ALLOCATE, END_LEASE */
};

/* The run state of a domain, as libvirt tells it. */
enum vfa_run {
    VFA_RUN_BOOTED, /* runs, and was not paused since its power-on */
    VFA_RUN_ON,     /* runs */
    VFA_RUN_PAUSED, /* paused by its user or by vfaliasd */
    VFA_RUN_STUCK,  /* paused by a failure, or asleep */
};

/* The hold step, which comes before the other steps. */
enum vfa_hold_step {
    VFA_HOLD_NOTHING,
    VFA_HOLD_BEGIN,  /* suspend the guest */
    VFA_HOLD_GO_ON,  /* the guest stays suspended */
    VFA_HOLD_END,    /* resume the guest */
    VFA_HOLD_EXPIRE, /* resume the guest at hold_timeout, without all its devices */
    VFA_HOLD_FORGET, /* drop the row: the guest is not suspended, or not by vfaliasd */
};

struct vfa_plan {
    enum vfa_hold_step hold;
    struct vfa_step *steps; /* they point into the input; free() */
    size_t n;
};

struct vfa_plan_input {
    const struct vfa_domain *domain;      /* the live XML */
    const struct vfa_claims *claims;      /* of this domain */
    const enum vfa_withdrawal *withdrawn; /* one for each of domain->requests */
    int64_t now;                          /* seconds since the epoch, as in the claims */
    const struct vfa_config *config;
    enum vfa_run run;
    const struct vfa_hold *hold; /* NULL: no hold */
    int64_t connected;           /* since when events come; earlier starts are not held */
    int64_t age_ms;              /* time since the guest's power-on; negative: unknown */
};

int vfa_plan_make(const struct vfa_plan_input *in, struct vfa_plan *ret, struct vfa_error *err);

#endif
