/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends hold_timeout of a guest while the state file cannot be read. */
#ifndef VFA_VFALIASD_EXPIRE_H
#define VFA_VFALIASD_EXPIRE_H

#include "config/config.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* Resumes a guest that this daemon has held for longer than hold_timeout, without reading the
 * state. Returns the milliseconds until the next attempt, or VFA_REQUEUE_NEVER. */
unsigned vfa_hold_expire(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid);

/* Logs that a guest was resumed at hold_timeout. */
void vfa_hold_log_expired(const char *name, const struct vfa_config *config);

#endif
