/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finishes claims whose release is not complete. */
#ifndef VFA_VFALIASD_RELEASE_H
#define VFA_VFALIASD_RELEASE_H

#include "config/config.h"
#include "daemon.h"

/* Finishes the claims that are being released. Requeues itself for those that are left. */
void vfa_daemon_release(struct vfa_daemon *daemon, const struct vfa_config *config);

#endif
