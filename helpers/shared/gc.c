/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See gc.h, also for the order of reading. */

#include "gc.h"

#include "base/common.h"
#include "base/error.h"
#include "state/claims.h"
#include "state/hold.h"
#include "host/host.h"
#include "claim/release.h"
#include "virt-error.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <time.h>

/* Whether a domain runs or is being started. No such domain: not active. */
static int ask_active(virConnectPtr conn, const char *uuid, bool *ret, struct vfa_error *err)
{
    virDomainPtr domain = virDomainLookupByUUIDString(conn, uuid);
    int active = domain ? virDomainIsActive(domain) : -1;
    int r = active < 0 ? vfa_virt_fail(err, "cannot ask for domain '%s'", uuid) : 0;

    if (domain)
        virDomainFree(domain);
    if (r == -ENOENT) {
        vfa_error_clear(err);
        active = 0;
        r = 0;
    }
    if (r == 0)
        *ret = active > 0;
    return r;
}

/* One pass over claims and holds. An error with one of them does not end the pass. */
struct collector {
    virConnectPtr conn;
    struct vfa_host *host;
    int64_t now;
    const char *asked; /* UUID of the domain that libvirt was asked about last, or NULL */
    bool active;       /* whether the domain `asked` is active; true if libvirt gave an error */
    bool again;
    size_t n;
    int result; /* code of the first error, which is in *err */
    struct vfa_error *err;
};

static void note_result(struct collector *c, int r, struct vfa_error *why)
{
    if (r < 0 && c->result == 0)
        c->result = vfa_error_move(c->err, why);
}

static int ask_domain(struct collector *c, const char *uuid, struct vfa_error *err)
{
    if (c->asked && strcmp(c->asked, uuid) == 0)
        return 0;
    c->asked = uuid;
    c->active = true;
    return ask_active(c->conn, uuid, &c->active, err);
}

static int release_claim(struct collector *c, const struct vfa_claim *claim, struct vfa_error *err)
{
    bool released = false;
    int r = vfa_release_unchanged(c->host, claim, VFA_WHY_UNBACKED, &released, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", claim->domain);
    c->n += released;
    return 0;
}

static void collect_claim(struct collector *c, const struct vfa_claim *claim)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = ask_domain(c, claim->uuid, &why);

    if (!c->active && !vfa_claim_is_awaited(claim, c->now, c->host->config->incoming_timeout)) {
        if (vfa_claim_is_recent(claim->since, c->now, 0))
            c->again = true;
        else
            r = release_claim(c, claim, &why);
    }
    note_result(c, r, &why);
}

/* Ends a hold (a guest that is paused until it has its devices) of a domain that does not run. */
static void collect_hold(struct collector *c, const struct vfa_hold *hold)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = ask_domain(c, hold->uuid, &why);

    if (!c->active && vfa_claim_is_recent(hold->since, c->now, 0))
        c->again = true;
    else if (!c->active)
        r = vfa_state_end_hold(c->host->state, hold, &why);
    note_result(c, r, &why);
}

int vfa_gc(virConnectPtr conn, struct vfa_host *host, const char *uuid, size_t *ret_n,
           struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    struct collector c = {.conn = conn, .host = host, .err = err};
    int r;

    c.now = time(NULL); /* before reading: claims made later then count as made in this second */
    r = vfa_state_claims(host->state, uuid, &claims, err);
    if (r == 0)
        r = vfa_state_holds(host->state, uuid, &holds, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < claims.n; i++)
        collect_claim(&c, &claims.items[i]);
    for (size_t i = 0; i < holds.n; i++)
        collect_hold(&c, &holds.items[i]);
    if (c.result < 0)
        return c.result;
    if (ret_n)
        *ret_n = c.n;
    return c.again ? VFA_GC_AGAIN : 0;
}
