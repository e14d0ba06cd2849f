/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a device is or is not a candidate for an alias, or for a domain that asks for it. Runs the
 * code of the hook on a copy of the state.
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
    enum vfa_verdict verdict; /* VFA_VERDICT_CANDIDATE: usable */
    unsigned order;           /* of candidates: from 1, in the order of their trial; else 0 */
    bool chosen;
    char *request; /* gets the device; NULL: not chosen, or no domain asks */
    char *detail;  /* see vfa_device_status_describe() */
};

struct vfa_explanation {
    struct vfa_device_status_list survey;
    struct vfa_explained *rows; /* candidates in their order, then the others by address */
    size_t n;
    struct vfa_criteria criteria; /* the rows are judged by it; borrows from alias and domain */
    bool granted;                 /* every request for the alias would be served */
    char *why;     /* the message of the first request for the alias that would not; else NULL */
    char *refusal; /* the message, if the domain would be refused for any reason; else NULL */
};

/* Explains an alias (domain NULL), or a start of a domain, or (running) the hot-plug of its
 * requests that have no device yet. Without a request for the alias, one is assumed. host->state is
 * a copy (vfa_state_open_copy()) and is changed. All arguments outlive *ret; clear it with
 * vfa_explanation_clear(). */
int vfa_explain(struct vfa_host *host, const struct vfa_alias *alias,
                const struct vfa_domain *domain, bool running, struct vfa_explanation *ret,
                struct vfa_error *err);
void vfa_explanation_clear(struct vfa_explanation *explanation);

#endif
