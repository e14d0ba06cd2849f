/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks vfalias on another host which devices a domain would get there, through that host's libvirt
 * only: vfa_rehearse() creates a domain with a rehearsal mark (vfa_domxml_rehearsal()), which the
 * hook of the other host always refuses; the text of the refusal is the answer.
 */
#ifndef VFA_VFALIAS_REHEARSAL_H
#define VFA_VFALIAS_REHEARSAL_H

#include "base/error.h"
#include "domain/domain.h"

#include <libvirt/libvirt.h>

/* xml: of the running domain. *ret gets the other host's answer ("net-0 gets 0000:01:10.0, ...");
 * free() it. -EBUSY: the other host refuses; *err has its own line. */
int vfa_rehearse(virConnectPtr conn, const char *xml, const struct vfa_domain *domain,
                 enum vfa_rehearsal kind, char **ret, struct vfa_error *err);

/* The device of one request in an answer: "0000:01:10.0" or "none"; NULL: the answer does not name
 * the request, or out of memory. free() it. */
char *vfa_rehearsal_device(const char *answer, const char *request);

/* Finds the answer in libvirt's message about a failed hook. If there is no answer: NULL, and
 * *ret_refusal gets the hook's own line, or else the first line of the message. free() both. */
char *vfa_rehearsal_parse(const char *message, const char *domain, char **ret_refusal);

#endif
