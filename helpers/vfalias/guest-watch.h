/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waits for events of a running domain: a device was added or removed, or the domain has ended. For
 * verbs that start an action and wait for its end.
 *
 * libvirt's event loop runs in a thread of its own: it delivers events and keepalive messages while
 * the verb waits for a call. The watch does not store what happened: the caller reads the domain.
 */
#ifndef VFA_VFALIAS_GUEST_WATCH_H
#define VFA_VFALIAS_GUEST_WATCH_H

#include "base/common.h"
#include "base/error.h"

#include <libvirt/libvirt.h>

/* Starts the event loop. Call once, before the first connection is opened. */
int vfa_watch_start(struct vfa_error *err);

/* Closes the connection if its other end does not answer any more. */
void vfa_watch_keep_alive(virConnectPtr conn);

struct vfa_watch;

/* Watches a domain. The domain's connection must stay open until vfa_watch_free(). */
int vfa_watch_new(virDomainPtr domain, struct vfa_watch **ret, struct vfa_error *err);
struct vfa_watch *vfa_watch_free(struct vfa_watch *watch);
VFA_DEFINE_AUTO(struct vfa_watch, vfa_watch_free);

/* Waits for an event since the last wait, or until `until` (milliseconds of base/clock.h). It also
 * returns every half second without an event, because libvirt has no events for some changes. */
void vfa_watch_wait(struct vfa_watch *watch, int64_t until);

#endif
