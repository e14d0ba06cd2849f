/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drops the claims that no running domain backs. `vfalias gc` does it, and vfaliasd when a domain
 * has stopped or a connection was made. Normally the hook at `release` has dropped them already.
 *
 * Race: a domain whose `prepare` hook runs has claims, but no QEMU yet. libvirt gives the domain
 * its id (the domain then counts as active) before it runs that hook, and keeps the domain object
 * locked until the hook has returned; a query about the domain waits for that lock. Therefore the
 * order: first read the claims, then ask libvirt. "Inactive" then means that the start which made
 * those claims is over. Another start may make a new claim between libvirt's answer and the
 * release. So a claim is dropped only if it is unchanged, and only if it was not made in the
 * current second: `since` has a resolution of one second.
 *
 * Never call this inside a state transaction: libvirt's answer may wait for a hook, and the hook
 * for the transaction.
 */
#ifndef VFA_SHARED_GC_H
#define VFA_SHARED_GC_H

#include "base/common.h"
#include "base/error.h"
#include "host/host.h"

#include <libvirt/libvirt.h>

enum {
    VFA_GC_AGAIN = 1, /* some claims or holds are too young: call again in two seconds */
};

/* Drops claims and holds of all domains, or (uuid not NULL) of one domain. An `incoming` claim is
 * kept until the configuration's incoming_timeout has passed. *ret_n, if not NULL, gets the number
 * of released claims; it is not written on an error. host->state must have no open transaction. 0,
 * VFA_GC_AGAIN or the first error; an error with one claim does not keep the others. */
int vfa_gc(virConnectPtr conn, struct vfa_host *host, const char *uuid, size_t *ret_n,
           struct vfa_error *err);

/* Destroys devices that vfalias has made for domains that libvirt knows, and that nobody owns any
 * more: see claim/unowned.h. host->warn receives devices that stay, and vDPA devices with names of
 * vfalias that belong to no such domain: these are never destroyed. *ret_n gets the number of
 * destroyed devices. Asks libvirt for nothing if no device is in question. */
int vfa_gc_made(virConnectPtr conn, struct vfa_host *host, size_t *ret_n, struct vfa_error *err);

#endif
