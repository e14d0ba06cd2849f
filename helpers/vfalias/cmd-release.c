/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias release: drops a domain's claims by hand. Refused while the domain runs: its devices, and
 * those that vfaliasd is attaching, could be given to a second domain. So libvirt is asked first,
 * except with --force or for a foreign tree, whose domains this host's libvirt does not know.
 *
 * Order: read the claims, then ask libvirt (helpers/shared/gc.h explains why), then drop the claims
 * that are unchanged since they were read: the domain may have been started in between.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/text.h"
#include "state/claims.h"
#include "host/host.h"
#include "claim/release.h"
#include "claim/unreleased.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "verbs.h"

#include <errno.h>
#include <string.h>

static bool is_claim_of(const struct vfa_claim *claim, const char *domain)
{
    return strcmp(claim->domain, domain) == 0 || vfa_text_same(claim->uuid, domain);
}

static int refuse_if_running(virConnectPtr conn, const struct vfa_claim *claim,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr domain = NULL;
    int r = vfa_connect_domain(conn, claim->uuid, &domain, err);
    int active;

    if (r == -ENOENT) {
        vfa_error_clear(err);
        return 0;
    }
    if (r < 0)
        return r;
    active = virDomainIsActive(domain);
    if (active < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", claim->domain);
    if (!active)
        return 0;
    return vfa_fail(err, EBUSY, "domain '%s' is running: stop it first, or use --force",
                    claim->domain);
}

/* Several domains (UUIDs) may have had this name one after the other: each is checked. */
static int check_domains_stopped(const struct vfa_cmd_context *ctx, const char *name,
                                 const struct vfa_claims *claims, struct vfa_error *err)
{
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    const char *asked = "";
    int r = vfa_connect_open(ctx, &conn, err);

    if (r == 0)
        r = vfa_connect_check_here(ctx, conn, err);
    if (r < 0)
        return vfa_wrap(err, "cannot tell whether domain '%s' runs (--force skips this check)",
                        name);
    for (size_t i = 0; r == 0 && i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];

        if (!is_claim_of(claim, name) || strcmp(claim->uuid, asked) == 0)
            continue;
        asked = claim->uuid;
        r = refuse_if_running(conn, claim, err);
    }
    return r;
}

static int drop_domain_claims(const struct vfa_cmd_context *ctx, const char *name,
                              const struct vfa_claims *claims, size_t *ret_n,
                              struct vfa_release_left *ret_left, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_unreleased_open_host(ctx->config, &host, err);

    *ret_n = 0;
    host.warn = vfa_cmd_warn;
    for (size_t i = 0; r == 0 && i < claims->n; i++) {
        bool dropped = false;

        if (is_claim_of(&claims->items[i], name))
            r = vfa_release_unchanged(&host, &claims->items[i], VFA_WHY_BY_HAND, &dropped, err);
        *ret_n += dropped;
    }
    return r == 0 ? vfa_release_finish(&host, VFA_RELEASE_WAIT, ret_left, err) : r;
}

static bool has_claims(const struct vfa_claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (is_claim_of(&claims->items[i], name))
            return true;
    }
    return false;
}

/* Says so if a device of the domain is still being released or cleaned. */
static int fail_without_claims(const struct vfa_cmd_context *ctx, const char *name)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims all = {0};
    const struct vfa_claim *claim = NULL;
    bool cleaning;
    char since[40];

    if (vfa_cmd_load_all_claims(ctx, &all, &err) < 0)
        return vfa_cmd_fail_error(&err);
    for (size_t i = 0; i < all.n && !claim; i++) {
        if (is_claim_of(&all.items[i], name))
            claim = &all.items[i];
    }
    if (!claim)
        return vfa_cmd_fail("domain '%s' has no claims", name);
    vfa_cmd_time(claim->state_since, false, since, sizeof(since));
    cleaning = claim->state == VFA_CLAIM_CLEANING;
    return vfa_cmd_fail("domain '%s' has no claims any more: %s is being %s since %s; %s: see "
                        "'vfalias claims'",
                        name, claim->device, cleaning ? "cleaned" : "released", since,
                        cleaning ? "vfaliasd runs its cleaner"
                                 : "vfaliasd or 'vfalias gc' finishes that");
}

int vfa_cmd_release(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    bool force = false;
    const struct vfa_cmd_flag flags[] = {{"force", &force, NULL}};
    const struct vfa_cmd_syntax syntax = {"release", flags, ARRAY_SIZE(flags), {"DOMAIN", NULL}};
    const char *name;
    struct vfa_release_left left = {0};
    size_t n;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, &name, &status))
        return status;
    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (vfa_cmd_load_claims(ctx, NULL, &claims, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (!has_claims(&claims, name))
        return fail_without_claims(ctx, name);
    if (!force && !ctx->foreign && check_domains_stopped(ctx, name, &claims, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (drop_domain_claims(ctx, name, &claims, &n, &left, &err) < 0)
        return vfa_cmd_fail_error(&err);
    vfa_cmd_print_dropped(n, left.n);
    return VFA_CMD_FINE;
}
