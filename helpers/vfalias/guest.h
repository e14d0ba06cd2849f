/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Detaches the devices of requests from a running guest, for a while or for good, and lets vfaliasd
 * attach them again. Shared by the verbs detach, attach and migrate.
 *
 * This process takes a lease on the requests (state/withdrawn.h) before it detaches their devices.
 * The lease ends with vfa_guest_give_back() or with this process, however it ends: vfaliasd then
 * attaches the devices again, because they are still claimed for the domain.
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
    struct vfa_domain *live; /* the XML when vfa_guest_open() read it */
    struct vfa_watch *watch;
    unsigned timeout; /* seconds, for each wait */
    int lease_fd;     /* descriptor whose lock is the lease on the requests, or -1 */
};
#define VFA_GUEST_INIT                                                                             \
    {                                                                                              \
        .lease_fd = -1                                                                             \
    }

#define VFA_GUEST_TIMEOUT 60 /* seconds, unless --timeout says otherwise */

/* Parses --timeout (NULL: the default). False, with a message, if it is not 1 to 86400. */
bool vfa_guest_timeout(const char *verb, const char *text, unsigned *ret);

/* Connects and reads the domain. -ESRCH: vfaliasd does not run, and the verbs need it. -EINVAL: the
 * domain does not run, or its requests are wrong. Clear *guest with vfa_guest_clear() also after an
 * error. */
int vfa_guest_open(const struct vfa_cmd_context *ctx, const char *name, unsigned timeout,
                   struct vfa_guest *guest, struct vfa_error *err);
void vfa_guest_clear(struct vfa_guest *guest);

/* Names of requests, borrowed from guest->live. */
struct vfa_request_names {
    const char *items[VFA_REQUEST_MAX];
    size_t n;
};

/* Takes a lease on the requests, detaches their devices and waits until the guest has released all
 * of them. -ETIMEDOUT: the guest did not; *err names the remaining requests. */
int vfa_guest_take_out(struct vfa_guest *guest, const struct vfa_request_names *names,
                       struct vfa_error *err);

/* Makes the detaching permanent: the requests count as withdrawn by the user, and their devices are
 * released. */
int vfa_guest_withdraw(struct vfa_guest *guest, const struct vfa_request_names *names,
                       struct vfa_error *err);

/* Claims a device for each request that has no claim, also for withdrawn requests, and takes a
 * lease on the requests. VFA_CLAIM_REFUSED, VFA_CLAIM_TRY_AGAIN: one request gets no device, and
 * nothing was changed. */
int vfa_guest_claim(struct vfa_guest *guest, const struct vfa_request_names *names,
                    struct vfa_error *err);

/* Ends the lease and waits until vfaliasd has attached the devices of the requests. -EIO: vfaliasd
 * has given up, and *err has the reason. -ETIMEDOUT: not attached in time. */
int vfa_guest_give_back(struct vfa_guest *guest, const struct vfa_request_names *names,
                        struct vfa_error *err);

/* Waits until a domain, on this host or another, has devices for the requests. */
int vfa_guest_wait_for(virDomainPtr domain, struct vfa_watch *watch,
                       const struct vfa_request_names *names, unsigned timeout,
                       struct vfa_error *err);

#endif
