/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking another host's vfalias whether it would serve a domain, by way of that host's libvirt
 * alone: a domain that is not to start is created there (vfa_domxml_rehearsal()), and what its
 * hook says against it is the answer.
 */
#ifndef VFA_VFALIAS_REHEARSAL_H
#define VFA_VFALIAS_REHEARSAL_H

#include "base/error.h"
#include "domain/domain.h"

#include <libvirt/libvirt.h>

/* xml: of the running domain. *ret gets what the other host says it would get ("net-0 gets
 * 0000:01:10.0, ..."), owned by the caller. -EBUSY: it refuses, or has another domain in the way;
 * the line is its own. */
int vfa_rehearse(virConnectPtr conn, const char *xml, const struct vfa_domain *domain,
                 enum vfa_rehearsal kind, char **ret, struct vfa_error *err);

/* What an answer says about one request: "0000:01:10.0", "none", or NULL. free() it. */
char *vfa_rehearsal_device(const char *answer, const char *request);

/* The answer in what libvirt said of a hook that failed, or NULL with *ret_refusal: the hook's own
 * line if there is one, else all of it. Owned by the caller. */
char *vfa_rehearsal_parse(const char *message, const char *domain, char **ret_refusal);

#endif
