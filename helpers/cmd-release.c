/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias release: drops a domain's claims by hand. A device that a running domain really has is
 * not let go, since the next domain would be given it: libvirt is asked first, unless --force says
 * otherwise or the tree is a foreign one, whose domains this host's libvirt does not know.
 */
#include "connect.h"
#include "release.h"

#include <errno.h>
#include <string.h>

static bool is_of(const struct vfa_claim *claim, const char *domain)
{
    return strcmp(claim->domain, domain) == 0 || vfa_text_same(claim->uuid, domain);
}

static bool is_that(const struct vfa_domdev *dev, const struct vfa_claim *claim)
{
    char source[VFA_PCI_ADDR_SIZE];

    if (dev->request && strcmp(dev->request, claim->request) == 0)
        return true;
    return dev->has_source && dev->kind != VFA_ATTACH_MACVTAP &&
           strcmp(vfa_pci_addr_format(&dev->source, source), claim->device) == 0;
}

/* The first device of the list that the domain has, or NULL. */
static const char *find_used(const struct vfa_domain *domain, const struct vfa_claims *claims)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        for (size_t k = 0; k < claims->n; k++) {
            if (is_that(&domain->devices[i], &claims->items[k]))
                return claims->items[k].device;
        }
    }
    return NULL;
}

static int refuse_if_used(virConnectPtr conn, const char *uuid, const struct vfa_claims *claims,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_connect_domain_freep) virDomainPtr domain = NULL;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *live = NULL;
    const char *device;
    int r = vfa_connect_domain(conn, uuid, &domain, err);

    if (r == -ENOENT) {
        vfa_error_clear(err);
        return 0;
    }
    if (r < 0 || virDomainIsActive(domain) != 1)
        return r;
    r = vfa_connect_parse(domain, VIR_DOMAIN_AFFECT_LIVE, &live, err);
    if (r < 0)
        return r;
    device = find_used(live, claims);
    if (!device)
        return 0;
    return vfa_fail(err, EBUSY, "domain '%s' is running with %s: stop it first, or use --force",
                    live->name, device);
}

/* A name can have been that of several domains in turn. */
static int ask_libvirt(const struct vfa_cmd_context *ctx, const char *name,
                       const struct vfa_claims *claims, struct vfa_error *err)
{
    VFA_AUTO(vfa_connect_closep) virConnectPtr conn = NULL;
    const char *asked = "";
    int r = vfa_connect_open(ctx, &conn, err);

    if (r == 0)
        r = vfa_connect_check_here(conn, err);
    if (r < 0)
        return vfa_wrap(err, "cannot tell whether domain '%s' runs (--force does not ask)", name);
    for (size_t i = 0; r == 0 && i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];

        if (!is_of(claim, name) || strcmp(claim->uuid, asked) == 0)
            continue;
        asked = claim->uuid;
        r = refuse_if_used(conn, asked, claims, err);
    }
    return r;
}

static int drop(const struct vfa_cmd_context *ctx, const char *name,
                const struct vfa_claims *claims, size_t *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = {.sysfs = {.rootfd = -1}};
    const char *dropped = "";
    int r = vfa_host_open(ctx->config, &host, err);

    *ret_n = 0;
    host.warn = vfa_cmd_warn;
    for (size_t i = 0; r == 0 && i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];
        size_t n = 0;

        if (!is_of(claim, name) || strcmp(claim->uuid, dropped) == 0)
            continue;
        dropped = claim->uuid;
        r = vfa_release(&host, dropped, NULL, &n, err);
        *ret_n += n;
    }
    return r;
}

static bool has_claims(const struct vfa_claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (is_of(&claims->items[i], name))
            return true;
    }
    return false;
}

int vfa_cmd_release(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    bool force = false;
    const struct vfa_cmd_flag flags[] = {{"force", &force, NULL}};
    const struct vfa_cmd_syntax syntax = {"release", flags, ARRAY_SIZE(flags), {"DOMAIN", NULL}};
    const char *name;
    size_t n;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, &name, &status))
        return status;
    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (vfa_cmd_load_claims(ctx, NULL, &claims, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (!has_claims(&claims, name))
        return vfa_cmd_fail("domain '%s' has no claims", name);
    if (!force && !ctx->foreign && ask_libvirt(ctx, name, &claims, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (drop(ctx, name, &claims, &n, &err) < 0)
        return vfa_cmd_fail_error(&err);
    printf("%zu claim%s dropped\n", n, n == 1 ? "" : "s");
    return VFA_CMD_FINE;
}
