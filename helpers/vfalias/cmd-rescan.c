/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfalias rescan: rebuilds the index in the state file from hardware and configuration, and forgets
 * which devices could not be attached. */

#include "base/common.h"
#include "base/error.h"
#include "state/failed.h"
#include "host/host.h"
#include "claim/rescan.h"
#include "claim/unreleased.h"
#include "cmd.h"
#include "verbs.h"

int vfa_cmd_rescan(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    const struct vfa_cmd_syntax syntax = {.verb = "rescan"};
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int status;
    size_t n;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (vfa_unreleased_open_host(ctx->config, &host, &err) < 0 ||
        vfa_state_forget_failed(host.state, &err) < 0 || vfa_rescan(&host, true, &n, &err) < 0)
        return vfa_cmd_fail_error(&err);
    printf("%zu device%s\n", n, n == 1 ? "" : "s");
    return VFA_CMD_FINE;
}
