/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain that runs has the devices that its live XML names: the claims are made to say so.
 */
#ifndef VFA_CLAIM_REASSERT_H
#define VFA_CLAIM_REASSERT_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "host/host.h"

/* The domain runs and has the devices its live XML names: makes the claims say so (active),
 * whatever they said before, drops a claim of somebody else on one of them, and claims of this
 * domain's devices that are not there are left alone. Never refuses. For hooks: the domain is
 * locked, the XML is true. */
int vfa_reassert(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err);

/* The same with XML that somebody has read; ended: VFA_COUNTER_ENDED as it was before that. A
 * domain that has stopped or lost a device since, and whose device somebody else may have been
 * given, has had its claim dropped. If one was dropped, and the claims say anything else than the
 * XML, it is VFA_CLAIM_TRY_AGAIN (err has nothing): the XML is to be read anew. */
int vfa_reassert_read(struct vfa_host *host, const struct vfa_domain *domain, int64_t ended,
                      struct vfa_error *err);

#endif
