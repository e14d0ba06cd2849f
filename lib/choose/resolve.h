/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Resolves a request with the configuration of this host: its alias, and whether the guest waits
 * for the device. Pure.
 */
#ifndef VFA_CHOOSE_RESOLVE_H
#define VFA_CHOOSE_RESOLVE_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"

/* The alias of a request, or NULL: not configured on this host. Borrowed. */
const struct vfa_alias *vfa_resolve_alias(const struct vfa_config *config,
                                          const struct vfa_request *request);

/* The alias that a claim of a request was made for: of a chain (any_of), its rung. Of a claim for no
 * alias, or NULL, the alias of the request. NULL: not configured on this host. Borrowed. */
const struct vfa_alias *vfa_resolve_claimed(const struct vfa_config *config,
                                            const struct vfa_request *request,
                                            const struct vfa_claim *claim);

/* The alias of a device of the XML that is tagged ua-vf-NAME: the alias of the request NAME, or,
 * without such a request, the alias that NAME contains. NULL in *ret: not configured on this host.
 */
int vfa_resolve_alias_of(const struct vfa_config *config, const struct vfa_domain *domain,
                         const struct vfa_domdev *dev, const struct vfa_alias **ret,
                         struct vfa_error *err);

/* Whether a guest waits for the device at power-on: the setting of the request, else of its alias,
 * else of the configuration. */
bool vfa_resolve_hold(const struct vfa_config *config, const struct vfa_request *request);

#endif
