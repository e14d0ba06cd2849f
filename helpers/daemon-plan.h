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
 */
#ifndef VFA_DAEMON_PLAN_H
#define VFA_DAEMON_PLAN_H

#include "state.h"

#define VFA_ATTACH_ATTEMPTS 5 /* after as many failures nobody tries again until asked anew */

enum vfa_step_kind {
    VFA_STEP_ALLOCATE, /* requested, but neither claim nor device: a hot-plug */
    VFA_STEP_ATTACH,   /* claimed, but not attached */
    VFA_STEP_GIVE_UP,  /* likewise, but it failed too often */
    VFA_STEP_DETACH,   /* attached, but its request is gone */
    VFA_STEP_RELEASE,  /* claimed, but neither requested nor attached */
    VFA_STEP_WITHDRAW, /* was attached, but its user took it out by hand */
};

struct vfa_step {
    enum vfa_step_kind kind;
    const struct vfa_request *request; /* ALLOCATE, ATTACH, GIVE_UP, WITHDRAW; else NULL */
    const struct vfa_claim *claim;     /* all but ALLOCATE */
};

struct vfa_plan {
    struct vfa_step *steps; /* borrow from what the plan was made of; free() */
    size_t n;
};

struct vfa_plan_input {
    const struct vfa_domain *domain; /* the live XML */
    const struct vfa_claims *claims; /* of this domain */
    const bool *withdrawn;           /* one for each of domain->requests */
    int64_t now;                     /* seconds since the epoch, as in the claims */
    unsigned incoming_timeout; /* incoming claims, and of ports, that are younger are left alone */
};

int vfa_plan_make(const struct vfa_plan_input *in, struct vfa_plan *ret, struct vfa_error *err);

#endif
