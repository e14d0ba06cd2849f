/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be done for one running domain: its live XML against its claims. Pure: no libvirt, no
 * state file, no clock; what comes out are steps that the caller does, each of which it checks
 * again.
 *
 * Invariants: at most one step for each request and each claim; a domain that is as it should be
 * gives none; no step names a device that the domain has as one to be attached. The claims must
 * have been read before the XML: then an active claim without a device means a device that was
 * taken out.
 *
 * A guest that is to wait for its devices (state.h) is suspended before the steps, and resumed once
 * none of them is one to wait for. What libvirt says of a running guest tells what has happened to
 * it: "booted" until it is paused for the first time, so that one who was resumed by its user in
 * the meantime is left alone; and one that was paused before vfaliasd said that it holds it was
 * paused by its user (virsh start --paused), and stays so. What nobody can tell from libvirt is who
 * of two suspended a guest that both wanted suspended.
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
    VFA_STEP_ALLOCATE,  /* requested, but neither claim nor device: a hot-plug */
    VFA_STEP_ATTACH,    /* claimed, but not attached */
    VFA_STEP_GIVE_UP,   /* likewise, but it failed too often */
    VFA_STEP_DETACH,    /* attached, but its request is gone */
    VFA_STEP_RELEASE,   /* claimed, but neither requested nor attached */
    VFA_STEP_WITHDRAW,  /* was attached, but its user took it out by hand */
    VFA_STEP_SET_ASIDE, /* likewise, but a borrower did: the claim is kept for it */
    VFA_STEP_END_LEASE, /* its borrower has ended: no longer borrowed */
};

struct vfa_step {
    enum vfa_step_kind kind;
    const struct vfa_request *request; /* all but DETACH, RELEASE; else NULL */
    const struct vfa_claim *claim;     /* all but ALLOCATE, END_BORROWING */
};

/* What a domain does, as libvirt tells it. */
enum vfa_run {
    VFA_RUN_BOOTED, /* it runs, and has never been paused since its power-on */
    VFA_RUN_ON,     /* it runs */
    VFA_RUN_PAUSED, /* by somebody: its user, or vfaliasd */
    VFA_RUN_STUCK,  /* paused by a failure, or asleep */
};

/* What is to be done, before the steps, about a guest that is to wait. */
enum vfa_hold_step {
    VFA_HOLD_NOTHING,
    VFA_HOLD_BEGIN,  /* suspend it */
    VFA_HOLD_GO_ON,  /* it is suspended, and stays so for now */
    VFA_HOLD_END,    /* resume it */
    VFA_HOLD_EXPIRE, /* likewise, though not all it waits for is there */
    VFA_HOLD_FORGET, /* it does not wait, or not because of us */
};

struct vfa_plan {
    enum vfa_hold_step hold;
    struct vfa_step *steps; /* borrow from what the plan was made of; free() */
    size_t n;
};

struct vfa_plan_input {
    const struct vfa_domain *domain;      /* the live XML */
    const struct vfa_claims *claims;      /* of this domain */
    const enum vfa_withdrawal *withdrawn; /* one for each of domain->requests */
    int64_t now;                          /* seconds since the epoch, as in the claims */
    const struct vfa_config *config;
    enum vfa_run run;
    const struct vfa_hold *hold; /* NULL: it is not to wait */
    int64_t connected; /* since when the domains are watched: earlier starts are not held */
    int64_t age_ms;    /* for how long it has run since its power-on; negative: not known */
};

int vfa_plan_make(const struct vfa_plan_input *in, struct vfa_plan *ret, struct vfa_error *err);

#endif
