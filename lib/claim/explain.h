/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why each device is or is not one for an alias, or for a domain that asks for it. Nothing is
 * foretold: what a start would do is done, on a copy of the state, by the very code of the hook.
 */
#ifndef VFA_CLAIM_EXPLAIN_H
#define VFA_CLAIM_EXPLAIN_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "host/host.h"
#include "choose/choose.h"
#include "choose/device-status.h"
#include "choose/verdict.h"

struct vfa_explained {
    const struct vfa_device_status *device;
    enum vfa_verdict verdict; /* VFA_VERDICT_CANDIDATE: a candidate */
    unsigned order;           /* of candidates: from 1, as they would be tried; else 0 */
    bool chosen;
    char *request; /* that it would be for; NULL: not chosen, or nobody in particular asks */
    char *detail;  /* see vfa_device_status_describe() */
};

struct vfa_explanation {
    struct vfa_device_status_list survey;
    struct vfa_explained *rows; /* candidates in their order, then the others by address */
    size_t n;
    struct vfa_criteria criteria; /* what the rows were judged by; borrowed from alias and domain */
    bool granted;                 /* every request for the alias would be served */
    char *refusal; /* if not, or if the domain would be refused for another reason: the line
                             that its user gets; NULL without a domain */
};

/* host->state is a copy (vfa_state_open_copy()) and is changed. domain NULL: anybody. running: the
 * domain has what it was given, and its requests that have no device yet are hot-plugged; else it
 * would be started. Its requests for the alias count; without any, one more is assumed. All
 * arguments outlive *ret; clear that with vfa_explanation_clear(). */
int vfa_explain(struct vfa_host *host, const struct vfa_alias *alias,
                const struct vfa_domain *domain, bool running, struct vfa_explanation *ret,
                struct vfa_error *err);
void vfa_explanation_clear(struct vfa_explanation *explanation);

#endif
