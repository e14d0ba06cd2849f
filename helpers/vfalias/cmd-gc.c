/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias gc: drops the claims that no running domain backs (helpers/shared/gc.h), and finishes
 * pending releases. For a host where the hook at `release` could not run.
 */

#include "base/common.h"
#include "base/error.h"
#include "host/host.h"
#include "claim/release.h"
#include "claim/unreleased.h"
#include "helpers/shared/gc.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "verbs.h"

static int collect_garbage(const struct vfa_cmd_context *ctx, size_t *ret_n,
                           struct vfa_release_left *ret_left, struct vfa_error *err)
{
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int finished;
    int r = vfa_connect_open(ctx, &conn, err);

    if (r == 0)
        r = vfa_connect_check_here(ctx, conn, err);
    if (r == 0)
        r = vfa_unreleased_open_host(ctx->config, &host, err);
    host.warn = vfa_cmd_warn;
    if (r == 0)
        r = vfa_gc(conn, &host, NULL, ret_n, err);
    if (r < 0)
        return r;
    finished = vfa_release_finish(&host, VFA_RELEASE_WAIT, ret_left, err);
    return finished < 0 ? finished : r;
}

int vfa_cmd_gc(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    const struct vfa_cmd_syntax syntax = {.verb = "gc"};
    struct vfa_release_left left = {0};
    size_t n = 0;
    int status, r;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    r = collect_garbage(ctx, &n, &left, &err);
    if (r < 0)
        return vfa_cmd_fail_error(&err);
    vfa_cmd_print_dropped(n, left.n);
    if (r == VFA_GC_AGAIN)
        printf("some claims are too young to be judged: run it again in two seconds\n");
    return VFA_CMD_FINE;
}
