/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See gc.h for why the order of reading is what it is. */
#include "gc.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <time.h>

#include "release.h"
#include "virt-error.h"

/* Clocks are set back at times (a wrong RTC at boot): a claim from further ahead than this is not
 * young. */
#define YOUNG_SECONDS 60

bool vfa_gc_same(const struct vfa_claim *a, const struct vfa_claim *b)
{
    return a->state == b->state && a->since == b->since && strcmp(a->device, b->device) == 0;
}

int vfa_gc_release_same(struct vfa_host *host, const struct vfa_claim *claim, bool *ret,
                        struct vfa_error *err)
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
        r = vfa_release(host, claim->uuid, claim->request, NULL, err);
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

static bool is_young(int64_t since, int64_t now)
{
    return since >= now && since < now + YOUNG_SECONDS;
}

static bool is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout)
{
    return claim->state == VFA_CLAIM_INCOMING && now - claim->since <= (int64_t)timeout;
}

/* One claim of a domain that is not active. */
static int collect(struct vfa_host *host, const struct vfa_claim *claim, int64_t now, size_t *n,
                   bool *again, struct vfa_error *err)
{
    bool released = false;
    int r;

    if (is_awaited(claim, now, host->config->incoming_timeout))
        return 0;
    if (is_young(claim->since, now)) {
        *again = true;
        return 0;
    }
    r = vfa_gc_release_same(host, claim, &released, err);
    if (r == 0 && released)
        (*n)++;
    return r;
}

/* Likewise, what says that a guest waits for its devices. */
static int collect_holds(virConnectPtr conn, struct vfa_host *host, const struct vfa_holds *holds,
                         int64_t now, bool *again, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < holds->n; i++) {
        const struct vfa_hold *hold = &holds->items[i];
        bool active = false;

        r = ask_active(conn, hold->uuid, &active, err);
        if (r < 0 || active)
            continue;
        if (is_young(hold->since, now))
            *again = true;
        else
            r = vfa_state_end_hold(host->state, hold, err);
    }
    return r;
}

int vfa_gc(virConnectPtr conn, struct vfa_host *host, const char *uuid, size_t *ret_n,
           struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int64_t now = time(NULL); /* before the claims are read: younger ones count as of this second */
    const char *asked = NULL;
    bool active = false;
    bool again = false;
    size_t n = 0;
    int r;

    r = vfa_state_claims(host->state, uuid, &claims, err);
    if (r == 0)
        r = vfa_state_holds(host->state, uuid, &holds, err);
    for (size_t i = 0; r == 0 && i < claims.n; i++) {
        const struct vfa_claim *claim = &claims.items[i];

        if (!asked || strcmp(asked, claim->uuid) != 0) {
            r = ask_active(conn, claim->uuid, &active, err);
            asked = claim->uuid;
        }
        if (r == 0 && !active)
            r = collect(host, claim, now, &n, &again, err);
    }
    if (r == 0)
        r = collect_holds(conn, host, &holds, now, &again, err);
    if (r < 0)
        return r;
    if (ret_n)
        *ret_n = n;
    return again ? VFA_GC_AGAIN : 0;
}
