/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices for a domain that is about to be here: by a migration, from a saved image, or made of XML
 * that is resolved for it. They are claimed as incoming; `prepare`, which follows, finds them in
 * the XML (allocate-present.c) or by the names of its requests, and makes them the start's own. If
 * nothing follows they expire (incoming_timeout).
 *
 * A device that the XML names was chosen on another host, or in another time: it says what kind of
 * device is wanted, and for which request, not which one.
 */
#include "allocate-private.h"
#include "release.h"

#include <errno.h>
#include <string.h>

void vfa_arrivals_clear(struct vfa_arrivals *arrivals)
{
    for (size_t i = 0; i < arrivals->n; i++) {
        free(arrivals->items[i].request);
        vfa_device_clear(&arrivals->items[i].device);
    }
    free(arrivals->items);
    *arrivals = (struct vfa_arrivals){NULL, 0};
}

/* Takes the device over. */
static int note(struct vfa_arrivals *arrivals, const char *request, struct vfa_device *device,
                bool moved, struct vfa_error *err)
{
    struct vfa_arrival *more = realloc(arrivals->items, (arrivals->n + 1) * sizeof(*more));
    char *name = more ? strdup(request) : NULL;

    if (more)
        arrivals->items = more;
    if (!name)
        return vfa_fail_oom(err);
    more[arrivals->n++] = (struct vfa_arrival){.request = name, .device = *device, .moved = moved};
    *device = (struct vfa_device){0};
    return 0;
}

/* ---- devices in the XML ---- */

/* The request that a device belongs to, in words of this file's own: its name says the alias where
 * the metadata does not. The texts are borrowed but for *hold. */
static int request_of(const struct vfa_domain *domain, const struct vfa_domdev *dev, char **hold,
                      struct vfa_request *ret, struct vfa_error *err)
{
    const struct vfa_request *asked = vfa_domain_request(domain, dev->request);

    *ret = asked ? *asked : (struct vfa_request){.name = dev->request, .from_port = true};
    if (!asked) {
        ret->alias = *hold = vfa_domxml_alias_of_name(dev->request);
        if (!*hold)
            return vfa_fail_oom(err);
    }
    ret->optional = false; /* it is in the XML: it has to be somewhere */
    ret->attach_given = true;
    ret->attach = dev->kind;
    return 0;
}

static int serve_device(struct vfa_attempt *a, const struct vfa_domdev *dev, unsigned what,
                        struct vfa_arrivals *arrivals, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device chosen = {0};
    VFA_AUTO(vfa_freep) char *hold = NULL;
    struct vfa_pci_addr named;
    struct vfa_request request;
    int known = vfa_attempt_source(a, dev, &named, err);
    int r = known < 0 ? known : request_of(a->domain, dev, &hold, &request, err);

    if (r < 0)
        return r;
    a->first = known == 0 && (what & VFA_ARRIVE_KEEP) ? &named : NULL;
    r = vfa_attempt_serve(a, &request, &chosen, err);
    a->first = NULL;
    if (r)
        return r;
    return note(arrivals, dev->request, &chosen,
                known != 0 || vfa_pci_addr_compare(&named, &chosen.addr) != 0, err);
}

/* ---- requests that have none ---- */

static int serve_request(struct vfa_attempt *a, const struct vfa_request *request,
                         struct vfa_arrivals *arrivals, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device chosen = {0};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_attempt_serve(a, request, &chosen, &why);

    if (r == VFA_ALLOCATE_NONE && request->optional)
        return 0;
    if (r) {
        vfa_fail(err, why.code, "%s", vfa_error_text(&why));
        return r;
    }
    return note(arrivals, request->name, &chosen, true, err);
}

/* ---- all of it ---- */

/* What was kept for an arrival that did not come about. Other claims are of a domain that runs. */
static int forget_incoming(struct vfa_attempt *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_claims(a->host->state, a->domain->uuid, &claims, err);

    for (size_t i = 0; i < claims.n && r == 0; i++) {
        const struct vfa_claim *claim = &claims.items[i];

        if (claim->state != VFA_CLAIM_INCOMING) {
            vfa_fail(err, EBUSY,
                     "it has device %s already, for request '%s': does it run here? If not, run "
                     "'vfalias gc'",
                     claim->device, claim->request);
            return VFA_ALLOCATE_NONE;
        }
        r = vfa_release(a->host, a->domain->uuid, claim->request, NULL, err);
    }
    return r;
}

static int begin(struct vfa_attempt *a, struct vfa_error *err)
{
    int r = vfa_attempt_check_synced(a, err);

    if (r == 0)
        r = vfa_numa_locate(&a->host->sysfs, a->domain, &a->place, err);
    if (r == 0)
        r = forget_incoming(a, err);
    return r ? r : vfa_attempt_make_fresh(a, err);
}

static int arrive(struct vfa_attempt *a, unsigned what, struct vfa_arrivals *arrivals,
                  struct vfa_error *err)
{
    const struct vfa_domain *domain = a->domain;
    int r = 0;

    if (domain->bad_requests) {
        vfa_fail(err, EINVAL, "%s", domain->bad_requests);
        return VFA_ALLOCATE_NONE;
    }
    r = begin(a, err);
    if (r == 0 && (what & VFA_ARRIVE_REQUESTS))
        r = vfa_attempt_claim_static(a, err);
    for (size_t i = 0; i < domain->n_devices && r == 0; i++) {
        if (domain->devices[i].request)
            r = serve_device(a, &domain->devices[i], what, arrivals, err);
    }
    for (size_t i = 0; (what & VFA_ARRIVE_REQUESTS) && i < domain->n_requests && r == 0; i++) {
        if (!vfa_domain_device(domain, domain->requests[i].name))
            r = serve_request(a, &domain->requests[i], arrivals, err);
    }
    return r;
}

int vfa_allocate_arrive(struct vfa_host *host, const struct vfa_domain *domain, unsigned what,
                        struct vfa_arrivals *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_arrivals_clear) struct vfa_arrivals arrivals = {NULL, 0};
    struct vfa_attempt a = {.host = host, .domain = domain, .arriving = true};
    bool own;
    int r = vfa_state_enter(host->state, &own, err);

    if (r < 0)
        return r;
    r = arrive(&a, what, &arrivals, err);
    if (r)
        vfa_wrap(err, "domain '%s'", domain->name);
    r = vfa_state_leave(host->state, own, r, err);
    if (r == 0) {
        *ret = arrivals;
        arrivals = (struct vfa_arrivals){NULL, 0};
    }
    return r;
}
