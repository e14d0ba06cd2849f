/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The claims of the domain of an allocation. The allocation reads them once. Code that claims or
 * releases inside its transaction uses the functions of this file, which keep the list equal to the
 * rows of the state.
 *
 * vfa_alloc_claim() inserts the row and does what the device's spec says (cleaning.h). The caller
 * decides whether the domain may have the device.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/keys.h"
#include "device/kind.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "cleaning.h"
#include "private.h"
#include "release.h"
#include "unreleased.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int vfa_alloc_load_claims(struct vfa_alloc *a, struct vfa_error *err)
{
    int r;

    if (a->knows_claims)
        return 0;
    r = vfa_state_claims(a->host->state, a->domain->uuid, &a->claims, err);
    if (r < 0)
        return r;
    a->knows_claims = true;
    a->n_earlier = a->claims.n;
    return 0;
}

const struct vfa_claim *vfa_alloc_earlier(const struct vfa_alloc *a, const char *request)
{
    return vfa_claims_find(&(struct vfa_claims){a->claims.items, a->n_earlier}, request);
}

/* ---- the list ---- */

static bool copy_text(const char *text, char **ret)
{
    *ret = text ? strdup(text) : NULL;
    return *ret || !text;
}

/* Copies a new claim: it has no failure and no reason of an end. */
static int copy_claim(const struct vfa_claim *claim, struct vfa_claim *ret, struct vfa_error *err)
{
    *ret = (struct vfa_claim){.state = claim->state,
                              .since = claim->since,
                              .state_since = claim->state_since,
                              .placeholder = claim->placeholder};
    if (copy_text(claim->device, &ret->device) && copy_text(claim->kind, &ret->kind) &&
        copy_text(claim->maker, &ret->maker) && copy_text(claim->uuid, &ret->uuid) &&
        copy_text(claim->domain, &ret->domain) && copy_text(claim->request, &ret->request) &&
        copy_text(claim->alias, &ret->alias) && copy_text(claim->cleaner, &ret->cleaner))
        return 0;
    vfa_claim_clear(ret);
    return vfa_fail_oom(err);
}

static int add_claim(struct vfa_alloc *a, const struct vfa_claim *claim, struct vfa_error *err)
{
    struct vfa_claim *added = vfa_array_grow(&a->claims.items, a->claims.n);
    int r = added ? copy_claim(claim, added, err) : vfa_fail_oom(err);

    a->claims.n += r == 0;
    return r;
}

static void remove_claim(struct vfa_alloc *a, size_t i)
{
    struct vfa_claim *items = a->claims.items;

    vfa_claim_clear(&items[i]);
    memmove(&items[i], &items[i + 1], (a->claims.n - i - 1) * sizeof(*items));
    a->claims.n--;
    if (i < a->n_earlier)
        a->n_earlier--;
}

void vfa_alloc_forget_claims(struct vfa_alloc *a, size_t n)
{
    while (a->claims.n > n)
        remove_claim(a, a->claims.n - 1);
}

/* ---- the state and the list ---- */

/* A note of an earlier end of the domain must not release what the domain gets now. */
static int void_note(struct vfa_alloc *a, struct vfa_error *err)
{
    return vfa_state_is_copy(a->host->state)
               ? 0
               : vfa_unreleased_void(a->host->config->state_path, a->domain->uuid, err);
}

int vfa_alloc_claim(struct vfa_alloc *a, const char *request, const char *alias,
                    const struct vfa_device *dev, enum vfa_claim_state claim_state,
                    struct vfa_error *err)
{
    const struct vfa_kind *kind = vfa_kind_of(dev->id);
    const struct vfa_spec *spec = NULL;
    struct vfa_keys keys;
    int r;
    struct vfa_claim claim = {
        .device = (char *)dev->id,
        .keys = &keys,
        .kind = kind ? (char *)kind->name : NULL,
        .maker = dev->maker,
        .uuid = (char *)a->domain->uuid,
        .domain = a->domain->name,
        .request = (char *)request,
        .alias = (char *)alias,
        .state = claim_state,
        .since = (int64_t)time(NULL),
        .placeholder = alias && !vfa_domain_request(a->domain, request),
    };

    if (!a->domain->uuid[0])
        return vfa_fail(err, EINVAL, "cannot claim device %s: the domain's XML has no UUID",
                        dev->id);
    vfa_keys_of_device(dev, &keys);
    r = vfa_cleaning_spec(a->host, dev, &spec, err);
    if (r < 0)
        return r;
    r = void_note(a, err);
    if (r < 0)
        return r;
    claim.cleaner = spec ? spec->clean : NULL;
    claim.state_since = claim.since;
    r = vfa_state_claim(a->host->state, &claim, err);
    if (r == 0 && a->knows_claims)
        r = add_claim(a, &claim, err);
    if (r == 0 && spec && spec->one_time_use)
        r = vfa_cleaning_burn(a->host, claim.device, claim.domain, err);
    return r;
}

int vfa_alloc_release(struct vfa_alloc *a, const char *request, const char *why,
                      struct vfa_error *err)
{
    const struct vfa_claim *claim;
    int r = vfa_alloc_load_claims(a, err);

    claim = r == 0 ? vfa_claims_find(&a->claims, request) : NULL;
    if (!claim)
        return r;
    r = vfa_release_claim(a->host, claim, why, err);
    if (r == 0)
        remove_claim(a, (size_t)(claim - a->claims.items));
    return r;
}

int vfa_alloc_accept(struct vfa_alloc *a, struct vfa_claim *claim, struct vfa_error *err)
{
    int r = void_note(a, err);

    if (r == 0)
        r = vfa_state_set_claim_state(a->host->state, claim->uuid, claim->request,
                                      VFA_CLAIM_CLAIMED, err);
    if (r < 0)
        return r;
    claim->state = VFA_CLAIM_CLAIMED;
    claim->state_since = (int64_t)time(NULL);
    claim->attempts = 0;
    free(claim->error);
    claim->error = NULL;
    return 0;
}
