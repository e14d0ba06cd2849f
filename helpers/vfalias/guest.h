/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking the devices of requests out of a running guest, for a while or for good, and having
 * vfaliasd put them back. Shared by the verbs detach, attach and migrate.
 *
 * Who takes devices out borrows their requests (state.h) from before the guest is asked until it is
 * settled what becomes of them. However this process ends before that, vfaliasd gives the guest its
 * devices back: they are still claimed for it.
 */
#ifndef VFA_VFALIAS_GUEST_H
#define VFA_VFALIAS_GUEST_H

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "cmd.h"
#include "guest-watch.h"

#include <libvirt/libvirt.h>

struct vfa_guest {
    const struct vfa_cmd_context *ctx;
    virConnectPtr conn;
    virDomainPtr handle;
    struct vfa_domain *live; /* its XML when it was opened */
    struct vfa_watch *watch;
    unsigned timeout; /* seconds, for each thing that is waited for */
    int lease_fd;     /* the descriptor by which its requests are borrowed, or -1 */
};
#define VFA_GUEST_INIT                                                                             \
    {                                                                                              \
        .lease_fd = -1                                                                             \
    }

#define VFA_GUEST_TIMEOUT 60 /* seconds, unless --timeout says otherwise */

/* --timeout's value (NULL: the default) into *ret; false, and a message, if it is no number. */
bool vfa_guest_timeout(const char *verb, const char *text, unsigned *ret);

/* Connects and looks; vfaliasd must be there, as it is needed for what follows. -EINVAL: the domain
 * does not run. Clear in any case. */
int vfa_guest_open(const struct vfa_cmd_context *ctx, const char *name, unsigned timeout,
                   struct vfa_guest *guest, struct vfa_error *err);
void vfa_guest_clear(struct vfa_guest *guest);

/* Requests of guest->live, by name; room for all of them. */
struct vfa_request_names {
    const char *items[VFA_REQUEST_MAX];
    size_t n;
};

/* Borrows the requests, asks the guest for their devices and waits until it has let go of all of
 * them. -ETIMEDOUT: it did not; the line names those that are left. */
int vfa_guest_take_out(struct vfa_guest *guest, const struct vfa_request_names *names,
                       struct vfa_error *err);

/* For good: what was taken out counts as withdrawn by its user and becomes free. */
int vfa_guest_withdraw(struct vfa_guest *guest, const struct vfa_request_names *names,
                       struct vfa_error *err);

/* Has a device claimed for each request that has no claim, whatever happened to it before.
 * VFA_CLAIM_REFUSED, VFA_CLAIM_TRY_AGAIN: not for one of them; none of them has been touched then.
 */
int vfa_guest_claim(struct vfa_guest *guest, const struct vfa_request_names *names,
                    struct vfa_error *err);

/* Lets go of the requests that are borrowed, and waits until vfaliasd has attached their devices.
 * -EIO: given up, and why; -ETIMEDOUT: not yet. */
int vfa_guest_give_back(struct vfa_guest *guest, const struct vfa_request_names *names,
                        struct vfa_error *err);

/* Waits until a domain, of this host or another, has the devices of requests. */
int vfa_guest_wait_for(virDomainPtr domain, struct vfa_watch *watch,
                       const struct vfa_request_names *names, unsigned timeout,
                       struct vfa_error *err);

#endif
