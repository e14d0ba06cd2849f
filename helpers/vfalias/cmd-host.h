/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the host that a verb works on, with the global options --sysfs-root and --state applied. */
#ifndef VFA_VFALIAS_CMD_HOST_H
#define VFA_VFALIAS_CMD_HOST_H

#include "base/error.h"
#include "host/host.h"
#include "cmd.h"

enum vfa_cmd_host {
    VFA_CMD_HOST_WRITE, /* the state for writing, as hooks and daemon open it */
    VFA_CMD_HOST_READ,  /* the state for reading; ret->state is NULL if there is no state */
    VFA_CMD_HOST_COPY,  /* a copy of the state in memory: changes are lost */
};

/* *ret is written only on success. Clear it with vfa_host_clear(). */
int vfa_cmd_open_host(const struct vfa_cmd_context *ctx, enum vfa_cmd_host mode,
                      struct vfa_host *ret, struct vfa_error *err);

#endif
