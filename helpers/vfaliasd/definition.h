/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The persistent definitions of domains: ports and devices that they lack. */
#ifndef VFA_VFALIASD_DEFINITION_H
#define VFA_VFALIASD_DEFINITION_H

#include "base/error.h"
#include "config/config.h"
#include "state/state.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* One look at one definition. What it comes to is logged. */
void vfa_definition_pass(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid);

/* Somebody has written into the state: asks for looks at definitions that may be concerned. */
void vfa_definition_state_changed(struct vfa_daemon *daemon, const struct vfa_config *config);

/* Likewise at all that the state knows of: the domains of some may be gone. */
int vfa_definition_sync(struct vfa_daemon *daemon, struct vfa_state *state, struct vfa_error *err);

#endif
