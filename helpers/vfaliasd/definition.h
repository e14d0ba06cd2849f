/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The persistent definitions of domains: adds ports and devices that they lack. */
#ifndef VFA_VFALIASD_DEFINITION_H
#define VFA_VFALIASD_DEFINITION_H

#include "base/error.h"
#include "config/config.h"
#include "state/state.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

/* A pass over one definition. Logs its results and errors. */
void vfa_definition_pass(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid);

/* The state was written: queues a pass for each definition that may be affected. */
void vfa_definition_state_changed(struct vfa_daemon *daemon, const struct vfa_config *config);

/* Queues a pass for each definition that the state has rows of: some domains may be undefined. */
int vfa_definition_sync(struct vfa_daemon *daemon, struct vfa_state *state, struct vfa_error *err);

#endif
