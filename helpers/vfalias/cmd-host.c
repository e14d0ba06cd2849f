/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See cmd-host.h. The state of this host does not describe another tree (--sysfs-root): it is not
 * read for another tree unless --state is given. */

#include "cmd-host.h"

#include "base/error.h"
#include "device/sysfs.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/unreleased.h"
#include "cmd.h"

static int open_copy(const struct vfa_cmd_context *ctx, struct vfa_state **ret,
                     struct vfa_error *err)
{
    return vfa_state_open_copy(ctx->use_state ? ctx->config->state_path : NULL,
                               ctx->foreign ? "" : ctx->config->libvirt_run, ret, err);
}

int vfa_cmd_open_host(const struct vfa_cmd_context *ctx, enum vfa_cmd_host mode,
                      struct vfa_host *ret, struct vfa_error *err)
{
    struct vfa_host host = VFA_HOST_INIT;
    int r;

    if (mode == VFA_CMD_HOST_WRITE)
        return vfa_unreleased_open_host(ctx->config, ret, err);
    host.config = ctx->config;
    r = vfa_sysfs_open(ctx->config->sysfs_root, &host.sysfs, err);
    if (r == 0)
        r = mode == VFA_CMD_HOST_READ ? vfa_cmd_open_state(ctx, &host.state, err)
                                      : open_copy(ctx, &host.state, err);
    if (r == 0)
        *ret = host;
    else
        vfa_host_clear(&host);
    return r;
}
