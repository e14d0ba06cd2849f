/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain may ask for, by the configuration alone. Needs no state but to know whether
 * vfaliasd is running.
 */
#ifndef VFA_CLAIM_CHECK_H
#define VFA_CLAIM_CHECK_H

#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"

/* Checks the requests of a domain against the configuration: aliases that exist, ports enough.
 * VFA_CLAIM_REFUSED with the reason if a start is in vain. Needs no state. */
int vfa_check_requests(const struct vfa_config *config, const struct vfa_domain *domain,
                       struct vfa_error *err);

/* The same for one of its requests: whether its alias exists and this domain may ask for it. */
int vfa_check_request(const struct vfa_config *config, const struct vfa_domain *domain,
                      const struct vfa_request *request, struct vfa_error *err);

/* Checks that vfaliasd is there, if it is to attach something to the domain. An error with the
 * reason if not. */
int vfa_check_daemon(const struct vfa_config *config, const struct vfa_domain *domain,
                     struct vfa_error *err);

#endif
