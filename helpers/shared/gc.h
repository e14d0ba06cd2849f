/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dropping the claims that no running domain backs: what `vfalias gc` does, and vfaliasd whenever a
 * domain has stopped or a connection was made. Normally the hook at `release` was there first.
 *
 * The race to beware of: a domain whose `prepare` hook runs has claims, but no QEMU yet. libvirt
 * gives a domain its id (so that it counts as active) before it runs that hook, and keeps the
 * domain object locked until the hook has returned; asking about the domain waits for that lock.
 * Hence the order here: claims are read first, libvirt is asked second. Inactive then means that
 * the start those claims were made for is over. A claim may be made anew between the answer and the
 * release: each one is dropped only if it is still the same one, and only if it is not of this very
 * second, which is how far `since` can tell two apart.
 *
 * Never inside a state transaction: a hook that waits for it holds the lock that libvirt's answer
 * waits for.
 */
#ifndef VFA_SHARED_GC_H
#define VFA_SHARED_GC_H

#include "base/common.h"
#include "base/error.h"
#include "host/host.h"

#include <libvirt/libvirt.h>

enum {
    VFA_GC_AGAIN = 1, /* some claims were too young to be judged: ask again in two seconds */
};

/* Claims of all domains, or (uuid not NULL) of one, and what says that a guest waits for its
 * devices. `incoming` claims wait for their domain as long as the configuration's incoming_timeout.
 * *ret_n, if not NULL, gets how many were released. Must not be called with a transaction of
 * host->state open. 0, VFA_GC_AGAIN or an error, the first if there are several: the claims that it
 * is not about have been seen to. */
int vfa_gc(virConnectPtr conn, struct vfa_host *host, const char *uuid, size_t *ret_n,
           struct vfa_error *err);

#endif
