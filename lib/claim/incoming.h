/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices for a domain that is about to come: by a migration, from a saved image, or from XML that
 * is resolved for it. They are claimed as incoming; the prepare that follows makes them claims of
 * the start (prepare.h). If no prepare follows, they expire (incoming_timeout).
 */
#ifndef VFA_CLAIM_INCOMING_H
#define VFA_CLAIM_INCOMING_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "host/host.h"
#include "assignment.h"

/* Claims, as incoming, a device for each device of the XML that carries ua-vf-NAME, whatever its
 * source. Flags: */
enum {
    /* Keeps the device that the XML names, if it is usable or the alias does not select it (then it
     * is a choice of the user). */
    VFA_INCOMING_KEEP_SOURCES = 1 << 0,
    /* Also claims a device for each request without a device in the XML; an optional request may
     * find none. Host devices of the XML are claimed first, as by prepare. */
    VFA_INCOMING_HOTPLUG = 1 << 1,
};
/* Releases earlier incoming claims of the domain first. 0, VFA_CLAIM_REFUSED or an error; unless 0
 * nothing changed. Joins an open transaction: if the caller rolls it back, that is a rehearsal;
 * VFA_CLAIM_RESCAN ends it. Clear *ret with vfa_assignments_clear(). */
int vfa_incoming_claim(struct vfa_host *host, const struct vfa_domain *domain, unsigned what,
                       struct vfa_assignments *ret, struct vfa_error *err);

/* The domain does not come: releases its incoming claims. *ret_n gets their number. */
int vfa_incoming_cancel(struct vfa_host *host, const char *uuid, size_t *ret_n,
                        struct vfa_error *err);

/* The reply to a rehearsal (domxml.h) begins with this, after "domain 'NAME': ". Any other text of
 * a hook is a refusal. */
#define VFA_REHEARSED "rehearsed: "

#endif
