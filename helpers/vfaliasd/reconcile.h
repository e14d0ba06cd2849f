/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A look at one running domain, with the steps that it comes to. See pass.h. */
#ifndef VFA_VFALIASD_RECONCILE_H
#define VFA_VFALIASD_RECONCILE_H

#include "base/error.h"
#include "config/config.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* One look at one domain. Returns in how many milliseconds to look again, or VFA_REQUEUE_NEVER. */
unsigned vfa_reconcile_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                              const struct vfa_config *config, const char *uuid);

/* A running domain could not be looked at: says so, and returns in how many milliseconds to try
 * again, with back-off. */
unsigned vfa_reconcile_failed(struct vfa_daemon *daemon, const char *uuid,
                              const struct vfa_error *err);

#endif
