/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pass over one running domain, with its steps. See pass.h. */
#ifndef VFA_VFALIASD_RECONCILE_H
#define VFA_VFALIASD_RECONCILE_H

#include "base/error.h"
#include "config/config.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* Makes a pass over one domain. Returns the milliseconds until the next pass, or
 * VFA_REQUEUE_NEVER. */
unsigned vfa_reconcile_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                              const struct vfa_config *config, const char *uuid);

/* Logs that a pass over a running domain failed. Returns the milliseconds until it is to be tried
 * again, with back-off. */
unsigned vfa_reconcile_failed(struct vfa_daemon *daemon, const char *uuid,
                              const struct vfa_error *err);

#endif
