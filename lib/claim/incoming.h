/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices for a domain that is about to be here: by a migration, from a saved image, or made of XML
 * that is resolved for it. They are claimed as incoming; the prepare that follows makes them the
 * start's own (prepare.h). If nothing follows they expire (incoming_timeout).
 */
#ifndef VFA_CLAIM_INCOMING_H
#define VFA_CLAIM_INCOMING_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "host/host.h"
#include "assignment.h"

/* Claims, as incoming, a device for each one of the XML that carries ua-vf-NAME, whatever source it
 * has; what: */
enum {
    VFA_INCOMING_KEEP_SOURCES =
        1 << 0,                    /* the one that the XML names, if it is to be had; one that the
                                     alias does not mean is its user's own choice and kept */
    VFA_INCOMING_HOTPLUG = 1 << 1, /* also for each request without a device in the XML; optional
                                     ones may find none. The domain's own host devices are claimed
                                     before, as they are by prepare */
};
/* What was incoming for the domain before is dropped. 0, VFA_CLAIM_REFUSED or an error; unless 0
 * nothing changed. Joins a transaction: one that is rolled back makes it a rehearsal, and
 * VFA_CLAIM_RESCAN ends it. Clear *ret
 * with vfa_assignments_clear(). */
int vfa_incoming_claim(struct vfa_host *host, const struct vfa_domain *domain, unsigned what,
                       struct vfa_assignments *ret, struct vfa_error *err);

/* It does not come: drops what is incoming for it. *ret_n gets how many claims were. */
int vfa_incoming_cancel(struct vfa_host *host, const char *uuid, size_t *ret_n,
                        struct vfa_error *err);

/* How the answer to a rehearsal (domxml.h) begins, after "domain 'NAME': ". Whatever else a hook
 * says there is a refusal. */
#define VFA_REHEARSED "rehearsed: "

#endif
