/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sync: a look at all domains at once. */
#ifndef VFA_VFALIASD_SYNC_H
#define VFA_VFALIASD_SYNC_H

#include "config/config.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* Looks at every domain. What it comes to is logged, and repeated with back-off if it failed. */
void vfa_sync(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config);

/* The same if the state is not synced. */
void vfa_sync_rebuild(struct vfa_daemon *daemon, virConnectPtr conn,
                      const struct vfa_config *config);

#endif
