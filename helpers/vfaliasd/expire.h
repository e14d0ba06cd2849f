/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hold_timeout of a guest, where the state file cannot be read. */
#ifndef VFA_VFALIASD_EXPIRE_H
#define VFA_VFALIASD_EXPIRE_H

#include "config/config.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* Resumes a guest that this daemon holds for longer than hold_timeout, without a look at the state.
 * Returns the milliseconds until the next attempt, or VFA_REQUEUE_NEVER. */
unsigned vfa_hold_expire(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid);
void vfa_hold_log_expired(const char *name, const struct vfa_config *config);

#endif
