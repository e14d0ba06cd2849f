/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The XML of a domain that is to have its devices from the very start.
 */
#ifndef VFA_CLAIM_PLUG_H
#define VFA_CLAIM_PLUG_H

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "assignment.h"

/* The XML to start a domain from: its definition with the devices that arrived for it
 * (VFA_INCOMING_HOTPLUG) in it, each in the port that is labelled for its request, if there is one.
 * `domain` is the same XML, parsed; what becomes of its ports is noted there. free() *ret. */
int vfa_assignments_to_xml(const struct vfa_config *config, const char *xml, size_t len,
                           struct vfa_domain *domain, const struct vfa_assignments *assignments,
                           char **ret, struct vfa_error *err);

#endif
