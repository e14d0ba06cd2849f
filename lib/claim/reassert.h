/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the claims agree with the live XML of a running domain.
 */
#ifndef VFA_CLAIM_REASSERT_H
#define VFA_CLAIM_REASSERT_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "host/host.h"

/* Makes the devices of the live XML active claims of the domain, whatever the claims said before.
 * Drops claims of other domains on these devices. Leaves claims of this domain on other devices
 * alone. Never refuses. For hooks: the domain is locked, the XML is true. */
int vfa_reassert(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err);

/* The same with XML that was read earlier; ended: VFA_COUNTER_ENDED before that. The domain may
 * have stopped or lost a device since, and another domain may have got it. If a claim has ended
 * since and the claims disagree with the XML, the result is VFA_CLAIM_TRY_AGAIN (err is empty): the
 * caller reads the XML again. */
int vfa_reassert_read(struct vfa_host *host, const struct vfa_domain *domain, int64_t ended,
                      struct vfa_error *err);

#endif
