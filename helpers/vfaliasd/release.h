/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims that are being released: what is left of them to do. */
#ifndef VFA_VFALIASD_RELEASE_H
#define VFA_VFALIASD_RELEASE_H

#include "config/config.h"
#include "daemon.h"

/* Finishes what is being released, and asks for the next look at what is not done then. */
void vfa_daemon_release(struct vfa_daemon *daemon, const struct vfa_config *config);

#endif
