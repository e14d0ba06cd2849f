/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias gc: drops the claims that no running domain backs (helpers/shared/gc.h), finishes pending
 * releases, and destroys made devices that nobody owns. For a host where the hook at `release` could
 * not run, or where the state file was lost.
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

struct garbage {
    size_t n;      /* claims that were dropped */
    size_t n_made; /* devices that were destroyed, without a claim */
    struct vfa_release_left left;
};

static int collect_garbage(const struct vfa_cmd_context *ctx, struct garbage *ret,
                           struct vfa_error *err)
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
        r = vfa_gc(conn, &host, NULL, &ret->n, err);
    if (r < 0)
        return r;
    finished = vfa_release_finish(&host, VFA_RELEASE_WAIT, &ret->left, err);
    if (finished == 0)
        finished = vfa_gc_made(conn, &host, &ret->n_made, err);
    return finished < 0 ? finished : r;
}

int vfa_cmd_gc(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    const struct vfa_cmd_syntax syntax = {.verb = "gc"};
    struct garbage garbage = {0};
    int status, r;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    r = collect_garbage(ctx, &garbage, &err);
    if (r < 0)
        return vfa_cmd_fail_error(&err);
    vfa_cmd_print_dropped(garbage.n, garbage.left.n);
    if (garbage.n_made > 0)
        printf("%zu device%s destroyed that no claim had\n", garbage.n_made,
               garbage.n_made == 1 ? "" : "s");
    if (r == VFA_GC_AGAIN)
        printf("some claims are too young to be judged: run it again in two seconds\n");
    return VFA_CMD_FINE;
}
