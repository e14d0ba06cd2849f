/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting for something to happen to a running domain: its devices come or go, it ends. For verbs
 * of the command line that have something done and stay until it is.
 *
 * libvirt's event loop runs in a thread of its own, so that events come, and connections are kept
 * alive or found dead, while the verb waits for a call. What happened is not kept: who is woken
 * looks.
 */
#ifndef VFA_VFALIAS_GUEST_WATCH_H
#define VFA_VFALIAS_GUEST_WATCH_H

#include "base/common.h"
#include "base/error.h"

#include <libvirt/libvirt.h>

/* Starts the event loop. Before the first connection is opened, once. */
int vfa_watch_start(struct vfa_error *err);

/* Has the connection end when nobody answers at its other end any more. */
void vfa_watch_keep_alive(virConnectPtr conn);

struct vfa_watch;

/* Of a domain; as long as it lives its connection must be open. Free with vfa_watch_free(). */
int vfa_watch_new(virDomainPtr domain, struct vfa_watch **ret, struct vfa_error *err);
struct vfa_watch *vfa_watch_free(struct vfa_watch *watch);
VFA_DEFINE_AUTO(struct vfa_watch, vfa_watch_free);

/* Waits until something happened since the last wait, or until `until` (milliseconds of clock.h).
 * It also returns from time to time without a reason, for what libvirt has no events of. */
void vfa_watch_wait(struct vfa_watch *watch, int64_t until);

#endif
