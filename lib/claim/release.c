/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See release.h: the first step, and quarantine, which change only the state. */

#include "release.h"

#include "base/common.h"
#include "base/error.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/hold.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/saved.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "cleaning.h"

#include <string.h>
#include <time.h>

/* Whether the device needs the second step. */
static int has_work(struct vfa_host *host, const struct vfa_claim *claim, bool *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    int r = vfa_cleaning_due(host, claim, ret, err);

    if (r == 0 && !*ret)
        r = vfa_state_saved(host->state, claim->device, &list, err);
    *ret = r == 0 && (*ret || list.n > 0);
    return r;
}

int vfa_release_claim(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                      struct vfa_error *err)
{
    bool work = false;
    int r = has_work(host, claim, &work, err);

    if (r < 0)
        return r;
    if (work)
        r = vfa_state_begin_release(host->state, claim, why, err);
    else
        r = vfa_state_release(host->state, claim->uuid, claim->request, NULL, err);
    return r < 0 ? r : 0;
}

/* Selects claims: of a domain by UUID or name, or of one of its requests. */
struct which {
    const char *uuid;
    const char *domain;
    const char *request;
    const int64_t *ended; /* when the domain ended, or NULL */
};

/* The claim is of a start after the end. A claim from the future was made before the clock was set
 * back. */
static bool is_later(const struct which *which, const struct vfa_claim *claim)
{
    return which->ended && claim->since > *which->ended && claim->since <= (int64_t)time(NULL);
}

/* Forgets what a domain has besides its claims. */
static int forget_domain(struct vfa_host *host, const struct which *which, struct vfa_error *err)
{
    int r = vfa_state_forget_all_withdrawals(host->state, which->uuid, err);

    return r == 0 && which->ended ? vfa_state_forget_hold(host->state, which->uuid, err) : r;
}

static int end_claims(struct vfa_host *host, const struct which *which, const char *why,
                      size_t *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_claims(host->state, which->uuid, &claims, err);
    bool started = false; /* again */
    size_t n = 0;

    for (size_t i = 0; i < claims.n && r == 0; i++) {
        const struct vfa_claim *claim = &claims.items[i];

        started = started || is_later(which, claim);
        if ((which->request && strcmp(claim->request, which->request) != 0) ||
            (which->domain && strcmp(claim->domain, which->domain) != 0) || is_later(which, claim))
            continue;
        r = vfa_release_claim(host, claim, why, err);
        n++;
    }
    if (r == 0 && which->uuid && !which->request && !started)
        r = forget_domain(host, which, err);
    if (r == 0 && ret_n)
        *ret_n = n;
    return r;
}

static int release_matching(struct vfa_host *host, const struct which *which, const char *why,
                            size_t *ret_n, struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    return vfa_state_finish(host->state, own, end_claims(host, which, why, ret_n, err), err);
}

int vfa_release(struct vfa_host *host, const char *uuid, const char *request, const char *why,
                size_t *ret_n, struct vfa_error *err)
{
    const struct which which = {.uuid = uuid, .request = request};

    return release_matching(host, &which, why, ret_n, err);
}

int vfa_release_ended(struct vfa_host *host, const char *uuid, int64_t at, size_t *ret_n,
                      struct vfa_error *err)
{
    const struct which which = {.uuid = uuid, .ended = &at};

    return release_matching(host, &which, VFA_WHY_STOPPED, ret_n, err);
}

int vfa_release_name(struct vfa_host *host, const char *domain, const char *why, size_t *ret_n,
                     struct vfa_error *err)
{
    const struct which which = {.domain = domain};

    return release_matching(host, &which, why, ret_n, err);
}

int vfa_release_withdraw(struct vfa_host *host, const char *uuid, const char *request,
                         struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    r = vfa_release(host, uuid, request, VFA_WHY_DETACHED, NULL, err);
    if (r == 0)
        r = vfa_state_withdraw(host->state, uuid, request, err);
    return vfa_state_finish(host->state, own, r, err);
}

int vfa_release_unchanged(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
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
    if (found && vfa_claim_unchanged(found, claim))
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

/* ---- quarantine ---- */

static void warn_of_failure(const struct vfa_host *host, const char *device, const char *reason)
{
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (!host->warn)
        return;
    if (asprintf(&text, "%s is quarantined: %s", device, reason) < 0)
        text = NULL;
    else
        host->warn(text);
}

int vfa_release_quarantine(struct vfa_host *host, const char *device,
                           enum vfa_quarantine_cause cause, const char *reason,
                           struct vfa_error *err)
{
    int r = vfa_state_quarantine(host->state, device, cause, reason, err);

    if (r == 0)
        warn_of_failure(host, device, reason);
    return r;
}
