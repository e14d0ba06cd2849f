/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that a domain's XML names: devices of requests (ua-vf-NAME), and host devices without a
 * name. At `prepare` they are claimed or refused.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "check.h"
#include "private.h"
#include "release.h"

#include <errno.h>
#include <string.h>

static int refuse_taken_device(struct vfa_alloc *a, const struct vfa_device *now,
                               const char *request, struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    const char *device = now->id;
    int r = vfa_alloc_holder(a, now, &holder, err);

    if (r < 0)
        return r;
    if (r == VFA_STATE_ABSENT) /* the request has another claim */
        return vfa_refuse(err, EBUSY, "device %s: request '%s' has another device already", device,
                          request);
    if (!vfa_claim_is_held(holder.state))
        return vfa_refuse(
            err, EBUSY, "device %s is not free: %s is being %s after domain '%s' had it", device,
            holder.device, holder.state == VFA_CLAIM_CLEANING ? "cleaned" : "released",
            holder.domain);
    return vfa_refuse(err, EBUSY, "device %s is not free: domain '%s' holds %s (request '%s')",
                      device, holder.domain, holder.device, holder.request);
}

/* The request may have an incoming claim. If the XML names another device, the XML is right:
 * releases the claim. *ret: the claim is for the device of the XML, nothing is left to do. */
static int take_arrived(struct vfa_alloc *a, const char *name, const char *device, bool *ret,
                        struct vfa_error *err)
{
    const struct vfa_claim *claim = vfa_alloc_earlier(a, name);

    *ret = claim && strcmp(claim->device, device) == 0;
    if (!claim || *ret)
        return 0;
    return vfa_alloc_release(a, name, VFA_WHY_REPLACED, err);
}

static int try_named(struct vfa_alloc *a, const char *device, const char *name,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    int r = vfa_alloc_read(a, device, &now, err);

    return r < 0 ? r
                 : vfa_alloc_claim(a, name, NULL, &now,
                                   a->arriving ? VFA_CLAIM_INCOMING : VFA_CLAIM_CLAIMED, err);
}

int vfa_alloc_try_static(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_error *err)
{
    char device[VFA_DEVICE_ID_SIZE], buf[VFA_ALLOC_NAME_SIZE];
    int r = vfa_alloc_source(a, dev, device, err);

    if (r != 0)
        return r < 0 ? r : 0;
    return try_named(a, device, vfa_alloc_claim_name(dev, device, buf), err);
}

static int claim_static(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    char device[VFA_DEVICE_ID_SIZE], buf[VFA_ALLOC_NAME_SIZE];
    const char *name;
    bool done;
    int r = vfa_alloc_source(a, dev, device, err);

    if (r != 0)
        return r < 0 ? r : 0;
    name = vfa_alloc_claim_name(dev, device, buf);
    r = take_arrived(a, name, device, &done, err);
    if (r < 0 || done)
        return r;
    r = try_named(a, device, name, err);
    if (r != VFA_STATE_TAKEN)
        return r;
    r = vfa_alloc_read(a, device, &now, err);
    return r < 0 ? r : refuse_taken_device(a, &now, name, err);
}

/* The device is made for the request. An incoming claim of it was accepted. */
static int claim_made(struct vfa_alloc *a, const struct vfa_tagged *tagged, struct vfa_error *err)
{
    bool done = false;
    int r = vfa_check_request(a->host->config, a->domain, &tagged->request, err);

    if (r == 0 && *tagged->source)
        r = take_arrived(a, tagged->request.name, tagged->source, &done, err);
    else if (r == 0)
        done = vfa_alloc_earlier(a, tagged->request.name);
    return r || done ? r : vfa_alloc_pick(a, &tagged->request, NULL, err);
}

/* *ret_refused: the named device is not usable. */
static int claim_tagged(struct vfa_alloc *a, const struct vfa_domdev *dev, bool *ret_refused,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_tagged_clear) struct vfa_tagged tagged = {0};
    bool done = false;
    int r = vfa_alloc_read_tagged(a, dev, &tagged, err);

    if (r == 0 && tagged.kind == VFA_TAGGED_MADE)
        return claim_made(a, &tagged, err);
    if (r == 0 && tagged.kind != VFA_TAGGED_MISSING)
        r = take_arrived(a, dev->request, tagged.source, &done, err);
    if (r < 0 || done)
        return r;
    *ret_refused = tagged.kind != VFA_TAGGED_OK && tagged.kind != VFA_TAGGED_UNMANAGED;
    if (*ret_refused) /* an incoming claim is for a device that the XML does not name */
        return vfa_alloc_release(a, dev->request, VFA_WHY_REPLACED, err);
    r = vfa_alloc_check_tagged(a, &tagged, err);
    if (r)
        return r;
    r = vfa_alloc_claim_tagged(a, &tagged, VFA_CLAIM_CLAIMED, err);
    return r == VFA_STATE_TAKEN ? refuse_taken_device(a, &tagged.device, dev->request, err) : r;
}

static int claim_present_devices(struct vfa_alloc *a, bool *ret_refused, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];
        bool start_refused = false;

        if (dev->request)
            r = claim_tagged(a, dev, &start_refused, err);
        else if (dev->source)
            r = claim_static(a, dev, err);
        *ret_refused = *ret_refused || start_refused;
    }
    return r;
}

int vfa_alloc_claim_present(struct vfa_alloc *a, struct vfa_error *err)
{
    bool start_refused = false;
    int r = vfa_alloc_load_claims(a, err);

    if (r == 0)
        r = claim_present_devices(a, &start_refused, err);
    return r == 0 && start_refused ? vfa_alloc_refuse_start(a, err) : r;
}

bool vfa_alloc_asks_for(const struct vfa_domain *domain, const struct vfa_claim *claim)
{
    if (vfa_domain_request(domain, claim->request) || vfa_domain_device(domain, claim->request))
        return true;
    for (size_t i = 0; vfa_claim_is_static(claim->request) && i < domain->n_devices; i++) {
        if (vfa_domdev_names(&domain->devices[i], claim->device))
            return true;
    }
    return false;
}

int vfa_alloc_claim_static(struct vfa_alloc *a, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];

        if (!dev->request && dev->source)
            r = claim_static(a, dev, err);
    }
    return r;
}
