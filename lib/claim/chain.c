/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chooses a device for a request: of its alias, or, if that is a chain (any_of), of the first alias
 * of the chain that has one. Name, tags, settings and NUMA policy are those of the request on each
 * rung, so the guest's NIC has the same MAC address, VLAN and port whatever serves it.
 *
 * The hardware is scanned once, after all rungs have failed: a rung further down is preferred to a
 * scan. The claim has the alias of the rung; nobody else needs to know which rung it is.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/index.h"
#include "state/state.h"
#include "host/host.h"
#include "choose/resolve.h"
#include "check.h"
#include "claim.h"
#include "private.h"

#include <errno.h>
#include <string.h>

/* ---- one rung ---- */

static int pick_of(struct vfa_alloc *a, const struct vfa_alias *alias,
                   const struct vfa_request *request, bool last_chance, struct vfa_device *ret,
                   struct vfa_error *err)
{
    return alias->attach == VFA_ATTACH_BRIDGE
               ? vfa_alloc_pick_bridge(a, alias, request, ret, err)
               : vfa_alloc_pick_one(a, alias, request, last_chance, ret, err);
}

/* Counts the domain's claims of the rung that were made for chains. */
static int count_taken(struct vfa_alloc *a, const struct vfa_alias *rung,
                       const struct vfa_request *request, unsigned *ret, struct vfa_error *err)
{
    int r = vfa_alloc_load_claims(a, err);

    *ret = 0;
    for (size_t i = 0; r == 0 && i < a->claims.n; i++) {
        const struct vfa_claim *claim = &a->claims.items[i];
        const struct vfa_request *its = vfa_domain_request(a->domain, claim->request);
        const struct vfa_alias *alias = its ? vfa_resolve_alias(a->host->config, its) : NULL;

        *ret += alias && alias->any_of && claim->alias && strcmp(claim->alias, rung->name) == 0 &&
                strcmp(claim->request, request->name) != 0;
    }
    return r;
}

int vfa_alloc_check_rung(struct vfa_alloc *a, const struct vfa_alias *rung,
                         const struct vfa_request *request, struct vfa_error *err)
{
    unsigned taken;
    int r = count_taken(a, rung, request, &taken, err);

    return r < 0 ? r : vfa_check_rung(a->host->config, a->domain, request, rung, taken, err);
}

static int pick_rung(struct vfa_alloc *a, const struct vfa_alias *rung,
                     const struct vfa_request *request, bool last_chance, struct vfa_device *ret,
                     struct vfa_error *err)
{
    int r = vfa_alloc_check_rung(a, rung, request, err);

    return r ? r : pick_of(a, rung, request, last_chance, ret, err);
}

/* A made device is selected by its maker. */
static int is_selected(struct vfa_alloc *a, const struct vfa_alias *rung,
                       const struct vfa_device *now, bool *ret, struct vfa_error *err)
{
    struct vfa_member member = {.pool = -1};
    int r;

    *ret = now->type == VFA_TYPE_BRIDGE && rung->bridge && strcmp(rung->bridge, now->netdev) == 0;
    if (now->type == VFA_TYPE_BRIDGE)
        return 0;
    r = vfa_state_member(a->host->state, rung->name, now->maker ? now->maker : now->id, &member,
                         err);
    *ret = r == 0;
    vfa_device_clear(&member.device);
    return r < 0 ? r : 0;
}

int vfa_alloc_find_rung(struct vfa_alloc *a, const struct vfa_alias *chain,
                        const struct vfa_device *now, enum vfa_attach_kind kind,
                        const struct vfa_alias **ret, struct vfa_error *err)
{
    int r = 0;

    *ret = chain;
    for (size_t i = 0; i < chain->n_any_of && r == 0; i++) {
        const struct vfa_alias *rung = vfa_config_chained(a->host->config, chain, i);
        bool selected = false;

        if (*ret != chain && rung->attach != kind)
            continue;
        r = is_selected(a, rung, now, &selected, err);
        if (selected && (*ret == chain || (*ret)->attach != kind))
            *ret = rung;
    }
    return r;
}

/* ---- all rungs ---- */

/* Adds "NAME: WHY" to the reasons. The request is named at the front of the whole message. */
static int add_reason(char **reasons, const char *rung, const struct vfa_request *request,
                      const struct vfa_error *why, struct vfa_error *err)
{
    const char *text = vfa_error_text(why);
    VFA_AUTO(vfa_freep) char *before = vfa_steal(reasons);
    VFA_AUTO(vfa_freep) char *named = NULL;
    const char *found;

    if (asprintf(&named, "request '%s': ", request->name) < 0) {
        named = NULL;
        return vfa_fail_oom(err);
    }
    found = strstr(text, named);
    if (found)
        text = found + strlen(named);
    if (asprintf(reasons, "%s%s%s: %s", before ? before : "", before ? "; " : "", rung, text) < 0) {
        *reasons = NULL;
        return vfa_fail_oom(err);
    }
    return 0;
}

/* VFA_STATE_END: a rung may have a device after a scan. */
static int pick_in_chain(struct vfa_alloc *a, const struct vfa_alias *chain,
                         const struct vfa_request *request, bool last_chance,
                         struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *reasons = NULL;
    bool may_scan = false;

    for (size_t i = 0; i < chain->n_any_of; i++) {
        const struct vfa_alias *rung = vfa_config_chained(a->host->config, chain, i);
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
        int r = pick_rung(a, rung, request, last_chance, ret, &why);

        may_scan = may_scan || r == VFA_STATE_END;
        if (r == VFA_CLAIM_REFUSED)
            r = add_reason(&reasons, rung->name, request, &why, err);
        else if (r < 0)
            return vfa_error_move(err, &why);
        else if (r != VFA_STATE_END)
            return r;
        if (r < 0)
            return r;
    }
    if (may_scan)
        return VFA_STATE_END;
    return vfa_refuse(err, EBUSY, "request '%s': no alias of '%s' can serve it: %s", request->name,
                      chain->name, reasons ? reasons : "");
}

static int pick_once(struct vfa_alloc *a, const struct vfa_request *request, bool last_chance,
                     struct vfa_device *ret, struct vfa_error *err)
{
    const struct vfa_alias *alias = vfa_resolve_alias(a->host->config, request);

    if (!alias) /* nobody has checked the request */
        return vfa_check_request(a->host->config, a->domain, request, err);
    return alias->any_of ? pick_in_chain(a, alias, request, last_chance, ret, err)
                         : pick_of(a, alias, request, last_chance, ret, err);
}

int vfa_alloc_pick(struct vfa_alloc *a, const struct vfa_request *request, struct vfa_device *ret,
                   struct vfa_error *err)
{
    int r = pick_once(a, request, a->rescanned, ret, err);

    if (r != VFA_STATE_END)
        return r;
    r = vfa_alloc_rescan(a, err);
    return r != 0 ? r : pick_once(a, request, true, ret, err);
}
