/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts cleaners of devices that must be cleaned before their next use. */
#ifndef VFA_VFALIASD_CLEAN_H
#define VFA_VFALIASD_CLEAN_H

#include "config/config.h"
#include "daemon.h"

/* Starts the cleaners that are due. Requeues itself while claims wait for a cleaner. */
void vfa_clean_pass(struct vfa_daemon *daemon, const struct vfa_config *config);

#endif
