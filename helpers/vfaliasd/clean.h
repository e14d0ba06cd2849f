/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that are to be cleaned before they are given away again. */
#ifndef VFA_VFALIASD_CLEAN_H
#define VFA_VFALIASD_CLEAN_H

#include "config/config.h"
#include "daemon.h"

/* Starts the cleaners that are due, and asks for the next look while some are. */
void vfa_clean_pass(struct vfa_daemon *daemon, const struct vfa_config *config);

#endif
