/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sync: a check of all domains. */
#ifndef VFA_VFALIASD_SYNC_H
#define VFA_VFALIASD_SYNC_H

#include "config/config.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* Checks every domain. Logs errors, and requeues itself with back-off after them. */
void vfa_sync(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config);

/* The same if the state is not synced. */
void vfa_sync_rebuild(struct vfa_daemon *daemon, virConnectPtr conn,
                      const struct vfa_config *config);

#endif
