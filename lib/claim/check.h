/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain may ask for, by the configuration alone. Reads no state, except whether vfaliasd is
 * running.
 */
#ifndef VFA_CLAIM_CHECK_H
#define VFA_CLAIM_CHECK_H

#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"

/* Checks the requests of a domain against the configuration, and that it has enough ports.
 * VFA_CLAIM_REFUSED with the reason if a start would fail. Reads no state. */
int vfa_check_requests(const struct vfa_config *config, const struct vfa_domain *domain,
                       struct vfa_error *err);

/* Checks one request: its alias exists, and this domain may ask for it. */
int vfa_check_request(const struct vfa_config *config, const struct vfa_domain *domain,
                      const struct vfa_request *request, struct vfa_error *err);

/* Checks whether a request for a chain can be served by one of its aliases. taken: the number of
 * other requests for chains of this domain that have devices of that alias. */
int vfa_check_rung(const struct vfa_config *config, const struct vfa_domain *domain,
                   const struct vfa_request *request, const struct vfa_alias *rung, unsigned taken,
                   struct vfa_error *err);

/* Checks that vfaliasd is running, if it has to attach a device to the domain. An error with the
 * reason if not. */
int vfa_check_daemon(const struct vfa_config *config, const struct vfa_domain *domain,
                     struct vfa_error *err);

#endif
