/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One more device for a domain that runs: for a request of it, at once or when one gets free.
 */
#ifndef VFA_CLAIM_HOTPLUG_H
#define VFA_CLAIM_HOTPLUG_H

#include "base/error.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"

/* One more request of a running domain. *ret (may be NULL) gets the claim; vfa_claim_clear() it.
 * VFA_CLAIM_TRY_AGAIN: which devices are taken is not known yet. Joins a transaction, which
 * VFA_CLAIM_RESCAN ends. */
int vfa_hotplug_request(struct vfa_host *host, const struct vfa_domain *domain,
                        const struct vfa_request *request, struct vfa_claim *ret,
                        struct vfa_error *err);

/* The same for one that waits for whatever gets free: never scans the hardware for it. */
int vfa_hotplug_late(struct vfa_host *host, const struct vfa_domain *domain,
                     const struct vfa_request *request, struct vfa_claim *ret,
                     struct vfa_error *err);

#endif
