/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host that a verb is about, with the global options --sysfs-root and --state put in. */
#ifndef VFA_VFALIAS_CMD_HOST_H
#define VFA_VFALIAS_CMD_HOST_H

#include "base/error.h"
#include "host/host.h"
#include "cmd.h"

enum vfa_cmd_host {
    VFA_CMD_HOST_WRITE, /* the state of the host, as hooks and daemon open it */
    VFA_CMD_HOST_READ,  /* the state for reading; ret->state is NULL if there is none */
    VFA_CMD_HOST_COPY,  /* a copy of the state, in memory: what is written there is lost */
};

/* Opens the host; *ret is written only on success. Clear it with vfa_host_clear(). */
int vfa_cmd_open_host(const struct vfa_cmd_context *ctx, enum vfa_cmd_host mode,
                      struct vfa_host *ret, struct vfa_error *err);

#endif
