/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a domain wants something from vfalias. Questions to the parsed domain alone. */
#ifndef VFA_DOMAIN_ASKS_H
#define VFA_DOMAIN_ASKS_H

#include "domxml.h"

/* True if an element of the domain is tagged as the device of a request. */
bool vfa_domain_has_tagged(const struct vfa_domain *domain);

/* True if the domain wants something from vfalias, and does not just name host devices of its own.
 * Requests that cannot be read count. */
bool vfa_domain_has_requests(const struct vfa_domain *domain);

#endif
