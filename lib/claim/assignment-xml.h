/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The XML of a domain that starts with its devices.
 */
#ifndef VFA_CLAIM_PLUG_H
#define VFA_CLAIM_PLUG_H

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "assignment.h"

/* The XML to start a domain from: its definition with the devices of the assignments
 * (VFA_INCOMING_HOTPLUG), each in the port that is labelled for its request, if any. `domain` is
 * the same XML, parsed; the ports that are used are marked in it. free() *ret. */
int vfa_assignments_to_xml(const struct vfa_config *config, const char *xml, size_t len,
                           struct vfa_domain *domain, const struct vfa_assignments *assignments,
                           char **ret, struct vfa_error *err);

#endif
