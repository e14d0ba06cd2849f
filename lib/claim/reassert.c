/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See reassert.h. The devices of a running domain are a fact: every claim that contradicts it is
 * dropped.
 */

#include "reassert.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/sysfs.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "choose/resolve.h"
#include "provision/made.h"
#include "claim.h"
#include "private.h"
#include "release.h"

#include <errno.h>
#include <string.h>

/* Finds the alias by the name of the element, whatever the device is; in a chain by the device. */
static int find_tagged_alias(struct vfa_alloc *a, const struct vfa_domdev *dev,
                             const struct vfa_device *now, const struct vfa_alias **ret,
                             struct vfa_error *err)
{
    int r;

    *ret = NULL;
    if (!dev->request)
        return 0;
    r = vfa_resolve_alias_of(a->host->config, a->domain, dev, ret, err);
    return r == 0 && *ret && (*ret)->any_of ? vfa_alloc_find_rung(a, *ret, now, dev->kind, ret, err)
                                            : r;
}

/* In the live XML, a device of a network looks like a host device that was written by hand. */
static bool is_the_claim(const struct vfa_claim *claim, const struct vfa_domain *domain,
                         const struct vfa_device *now, const char *request)
{
    return vfa_claim_is_held(claim->state) && strcmp(claim->uuid, domain->uuid) == 0 &&
           strcmp(claim->device, now->id) == 0 &&
           (strcmp(claim->request, request) == 0 ||
            (vfa_claim_is_static(claim->request) && vfa_claim_is_static(request)));
}

/* Whether the device was changed before its guest got it. */
static bool was_changed(const struct vfa_alloc *a, const struct vfa_domdev *dev,
                        const struct vfa_device *now, const struct vfa_alias *alias)
{
    struct vfa_vf_settings settings;

    vfa_request_settings(vfa_domain_request(a->domain, dev->request), alias, &settings);
    return (now->type == VFA_TYPE_VF && settings.given) || (alias && alias->n_sysfs > 0);
}

/* The claim is new because the state was lost. The settings of the VF before the guest had it are
 * lost as well. The guest keeps the VF; no other domain gets it later. */
static int quarantine_unknown_settings(struct vfa_alloc *a, const struct vfa_domdev *dev,
                                       const struct vfa_device *now, const struct vfa_alias *alias,
                                       struct vfa_error *err)
{
    bool synced;
    int r;

    if (!dev->request || !vfa_sysfs_is_host(&a->host->sysfs) || !was_changed(a, dev, now, alias))
        return 0;
    r = vfa_state_synced(a->host->state, &synced, err);
    if (r < 0 || synced)
        return r;
    return vfa_release_quarantine(a->host, now->id, VFA_QUARANTINE_OTHER,
                                  "what its settings were before a guest had it is not known: the "
                                  "state file was lost meanwhile",
                                  err);
}

/* A made device of a running domain is destroyed when the domain stops, also if the state was lost
 * meanwhile. */
static int record_made(struct vfa_alloc *a, const struct vfa_domdev *dev,
                       const struct vfa_device *now, struct vfa_error *err)
{
    const char *maker = vfa_unrecorded_maker(a->unrecorded, now->id);
    bool has_path = vfa_attach_facts(dev->kind)->source == VFA_ATTACH_SOURCE_NODE;

    return maker ? vfa_made_record(a->host, now->id, maker, has_path ? dev->source : NULL, err) : 0;
}

/* The claim is that of a made device, and takes a slot of its maker. */
static int set_maker(struct vfa_alloc *a, struct vfa_device *now, struct vfa_error *err)
{
    const char *maker = vfa_unrecorded_maker(a->unrecorded, now->id);

    if (!maker || now->maker)
        return 0;
    now->maker = strdup(maker);
    return now->maker ? 0 : vfa_fail_oom(err);
}

/* A claim has ended since the XML was read. Called once: claims that are dropped here count,
 * too. */
static int is_stale(struct vfa_alloc *a, bool *ret, struct vfa_error *err)
{
    int64_t now = 0;
    int r = a->ended ? vfa_state_counter(a->host->state, VFA_COUNTER_ENDED, &now, err) : 0;

    *ret = a->ended && now != *a->ended;
    return r;
}

/* Drops the claim that is in the way, or (holder NULL) the claim of the name. A claim on the same
 * device goes at once and leaves its saved settings to the domain that has the device. */
static int drop_in_way(struct vfa_alloc *a, const struct vfa_claim *holder, const char *device,
                       const char *name, size_t *ret_n, struct vfa_error *err)
{
    struct vfa_state *state = a->host->state;

    if (!holder)
        return vfa_release(a->host, a->domain->uuid, name, VFA_WHY_REPLACED, ret_n, err);
    if (strcmp(holder->device, device) != 0)
        return vfa_release(a->host, holder->uuid, holder->request, VFA_WHY_REPLACED, ret_n, err);
    *ret_n = 1;
    return vfa_state_unseat(state, device, err);
}

/* libvirt gave the device to this domain: any claim in the way is wrong. Each round drops one
 * claim, so the loop ends. *ret_new: no claim said so before. */
static int take_over_device(struct vfa_alloc *a, const struct vfa_device *now, const char *name,
                            const struct vfa_alias *alias, bool *ret_new, struct vfa_error *err)
{
    const char *device = now->id;

    for (;;) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
        size_t dropped = 0;
        bool in_way;
        int r = vfa_alloc_holder(a, now, &holder, err);

        if (r < 0)
            return r;
        if (r == 0 && is_the_claim(&holder, a->domain, now, name))
            return vfa_state_set_claim_state(a->host->state, holder.uuid, holder.request,
                                             VFA_CLAIM_ACTIVE, err);
        *ret_new = true;
        in_way = r == 0 && (vfa_claim_is_held(holder.state) || strcmp(holder.device, device) == 0);
        r = drop_in_way(a, in_way ? &holder : NULL, device, name, &dropped, err);
        if (r == 0)
            r = vfa_alloc_claim(a, name, alias ? alias->name : NULL, now, VFA_CLAIM_ACTIVE, err);
        if (r == 0)
            return vfa_state_hand_over(a->host->state, device, err);
        if (r != VFA_STATE_TAKEN)
            return r;
        if (dropped == 0)
            return vfa_alloc_fail_stuck(now, err);
    }
}

/* The claims may already agree with the XML. */
static int check_said(struct vfa_alloc *a, const struct vfa_device *now, const char *name,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    int r = vfa_alloc_holder(a, now, &holder, err);

    if (r < 0 ||
        (r == 0 && holder.state == VFA_CLAIM_ACTIVE && is_the_claim(&holder, a->domain, now, name)))
        return r;
    return VFA_CLAIM_TRY_AGAIN;
}

static int reassert_one(struct vfa_alloc *a, const struct vfa_domdev *dev, bool stale,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    char source[VFA_DEVICE_ID_SIZE], buf[VFA_ALLOC_NAME_SIZE];
    const struct vfa_alias *alias = NULL;
    bool is_new = false;
    int r = vfa_alloc_source(a, dev, source, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = vfa_alloc_read(a, source, &now, err);
    vfa_alloc_leave_group(&now, dev->kind);
    if (r == 0 && stale)
        return check_said(a, &now, vfa_alloc_claim_name(dev, source, buf), err);
    if (r == 0)
        r = set_maker(a, &now, err);
    if (r == 0)
        r = find_tagged_alias(a, dev, &now, &alias, err);
    if (r == 0)
        r = take_over_device(a, &now, vfa_alloc_claim_name(dev, source, buf), alias, &is_new, err);
    if (r == 0)
        r = record_made(a, dev, &now, err);
    return r == 0 && is_new ? quarantine_unknown_settings(a, dev, &now, alias, err) : r;
}

static int reassert_present(struct vfa_alloc *a, struct vfa_error *err)
{
    bool stale = false;
    int r = is_stale(a, &stale, err);

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++)
        r = reassert_one(a, &a->domain->devices[i], stale, err);
    return r;
}

static int reassert_domain(struct vfa_host *host, const struct vfa_domain *domain,
                           const int64_t *ended, struct vfa_error *err)
{
    VFA_AUTO(vfa_unrecorded_clear) struct vfa_unrecorded unrecorded = {NULL, 0, false};
    struct vfa_alloc_job job = {
        .domain = domain, .what = reassert_present, .ended = ended, .unrecorded = &unrecorded};
    int r = vfa_unrecorded_find(host, domain, &unrecorded, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", domain->name);
    return vfa_alloc_run(host, &job, err);
}

int vfa_reassert(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    return reassert_domain(host, domain, NULL, err);
}

int vfa_reassert_read(struct vfa_host *host, const struct vfa_domain *domain, int64_t ended,
                      struct vfa_error *err)
{
    return reassert_domain(host, domain, &ended, err);
}
