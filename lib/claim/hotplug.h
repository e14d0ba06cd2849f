/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hot-plug: one more device for a running domain, at once or when a device gets free.
 */
#ifndef VFA_CLAIM_HOTPLUG_H
#define VFA_CLAIM_HOTPLUG_H

#include "base/error.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"

/* Claims a device for one more request of a running domain. *ret (may be NULL) gets the claim;
 * vfa_claim_clear() it. VFA_CLAIM_TRY_AGAIN: the state was lost and is not rebuilt yet. Joins an
 * open transaction; VFA_CLAIM_RESCAN ends it. */
int vfa_hotplug_request(struct vfa_host *host, const struct vfa_domain *domain,
                        const struct vfa_request *request, struct vfa_claim *ret,
                        struct vfa_error *err);

/* The same for a late request: never scans the hardware. */
int vfa_hotplug_late(struct vfa_host *host, const struct vfa_domain *domain,
                     const struct vfa_request *request, struct vfa_claim *ret,
                     struct vfa_error *err);

#endif
