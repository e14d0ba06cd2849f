/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain's request means on this host: its alias, and whether the guest waits for it. Pure.
 */
#ifndef VFA_CHOOSE_RESOLVE_H
#define VFA_CHOOSE_RESOLVE_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"

/* The alias a request means, or NULL: not configured here. Borrowed. */
const struct vfa_alias *vfa_resolve_alias(const struct vfa_config *config,
                                          const struct vfa_request *request);

/* The same for a device of the XML that carries ua-vf-NAME: that of the request of this name, or
 * else the one that the name says. NULL in *ret: not configured here. */
int vfa_resolve_alias_of(const struct vfa_config *config, const struct vfa_domain *domain,
                         const struct vfa_domdev *dev, const struct vfa_alias **ret,
                         struct vfa_error *err);

/* Whether a guest is to wait for the request's device at power-on: as the request says, else its
 * alias, else the configuration. */
bool vfa_resolve_hold(const struct vfa_config *config, const struct vfa_request *request);

#endif
