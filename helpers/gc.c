/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See gc.h for why the order of reading is what it is. */
#include "gc.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <time.h>

#include "release.h"
#include "virt-error.h"

#define AHEAD_SECONDS 60 /* what is from further ahead is of another time */

bool vfa_gc_is_recent(int64_t since, int64_t now, unsigned seconds)
{
    return now - since <= (int64_t)seconds && since - now < AHEAD_SECONDS;
}

bool vfa_gc_same(const struct vfa_claim *a, const struct vfa_claim *b)
{
    return a->state == b->state && a->since == b->since && strcmp(a->device, b->device) == 0;
}

int vfa_gc_release_same(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                        bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {0};
    const struct vfa_claim *found;
    int r;

    r = vfa_state_begin(host->state, err);
    if (r < 0)
        return r;
    r = vfa_state_claims(host->state, claim->uuid, &now, err);
    found = r < 0 ? NULL : vfa_claims_find(&now, claim->request);
    if (found && vfa_gc_same(found, claim))
        r = vfa_release(host, claim->uuid, claim->request, why, NULL, err);
    else
        found = NULL;
    if (r >= 0)
        r = vfa_state_commit(host->state, err);
    if (r < 0) {
        vfa_state_rollback(host->state);
        return r;
    }
    *ret = found != NULL;
    return 0;
}

/* Whether a domain runs, or is about to. */
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

static bool is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout)
{
    return claim->state == VFA_CLAIM_INCOMING && vfa_gc_is_recent(claim->since, now, timeout);
}

/* One that goes through all of them. What cannot be done for one keeps none of the others. */
struct collector {
    virConnectPtr conn;
    struct vfa_host *host;
    int64_t now;
    const char *asked; /* the domain that libvirt was asked about last, or NULL */
    bool active;       /* that one; true if libvirt did not tell */
    bool again;
    size_t n;
    int result; /* the first error, with *err */
    struct vfa_error *err;
};

static void note_result(struct collector *c, int r, const struct vfa_error *why)
{
    if (r < 0 && c->result == 0)
        c->result = vfa_fail(c->err, why->code, "%s", vfa_error_text(why));
}

static int look_at_domain(struct collector *c, const char *uuid, struct vfa_error *err)
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
    int r = vfa_gc_release_same(c->host, claim, VFA_WHY_UNBACKED, &released, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", claim->domain);
    c->n += released;
    return 0;
}

static void collect_claim(struct collector *c, const struct vfa_claim *claim)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = look_at_domain(c, claim->uuid, &why);

    if (!c->active && !is_awaited(claim, c->now, c->host->config->incoming_timeout)) {
        if (vfa_gc_is_recent(claim->since, c->now, 0))
            c->again = true;
        else
            r = release_claim(c, claim, &why);
    }
    note_result(c, r, &why);
}

/* What says that a guest waits for its devices. */
static void collect_hold(struct collector *c, const struct vfa_hold *hold)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = look_at_domain(c, hold->uuid, &why);

    if (!c->active && vfa_gc_is_recent(hold->since, c->now, 0))
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

    c.now = time(NULL); /* before the claims are read: younger ones count as of this second */
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
