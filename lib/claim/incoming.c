/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices for a domain that is about to come: by a migration, from a saved image, or from XML that
 * is resolved for it. They are claimed as incoming. The prepare that follows finds them in the XML
 * or by the names of its requests, and makes them claims of the start. If no prepare follows, they
 * expire (incoming_timeout).
 *
 * A device that the XML names was chosen on another host or at another time. It tells the request
 * and the kind of device, not the device.
 */

#include "incoming.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/topology.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "assignment.h"
#include "check.h"
#include "claim.h"
#include "private.h"
#include "release.h"
#include "transaction.h"

#include <errno.h>
#include <string.h>

/* ---- devices in the XML ---- */

/* Claims the device that the XML names, if it is usable. */
static int keep(struct vfa_alloc *a, const struct vfa_domdev *dev,
                struct vfa_assignments *assignments, struct vfa_error *err)
{
    VFA_AUTO(vfa_tagged_clear) struct vfa_tagged tagged = {0};
    int r = vfa_alloc_read_tagged(a, dev, &tagged, err);

    if (r < 0 || (tagged.kind != VFA_TAGGED_OK && tagged.kind != VFA_TAGGED_UNMANAGED))
        return r;
    r = vfa_alloc_check_tagged(a, &tagged, err);
    if (r)
        return r;
    r = vfa_alloc_claim_tagged(a, &tagged, VFA_CLAIM_INCOMING, err);
    if (r == VFA_STATE_TAKEN)
        return 0;
    if (r < 0)
        return r;
    return vfa_alloc_assign(a, &tagged.request, &tagged.device, false, assignments, err);
}

/* Runs before other devices are chosen: they must not be devices that the XML names. */
static int keep_all(struct vfa_alloc *a, struct vfa_assignments *assignments, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        if (a->domain->devices[i].request)
            r = keep(a, &a->domain->devices[i], assignments, err);
    }
    return r;
}

static int serve_device(struct vfa_alloc *a, const struct vfa_domdev *dev,
                        struct vfa_assignments *assignments, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device chosen = {0};
    VFA_AUTO(vfa_tagged_clear) struct vfa_tagged tagged = {0};
    int r = vfa_alloc_read_tagged(a, dev, &tagged, err);

    if (r == 0)
        r = vfa_check_request(a->host->config, a->domain, &tagged.request, err);
    if (r == 0)
        r = vfa_alloc_pick(a, &tagged.request, &chosen, err);
    if (r)
        return r;
    return vfa_alloc_assign(a, &tagged.request, &chosen,
                            tagged.kind == VFA_TAGGED_MISSING ||
                                strcmp(tagged.source, chosen.id) != 0,
                            assignments, err);
}

/* ---- requests that have none ---- */

static int serve_request(struct vfa_alloc *a, const struct vfa_request *request,
                         struct vfa_assignments *assignments, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device chosen = {0};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_check_request(a->host->config, a->domain, request, &why);

    if (r == 0)
        r = vfa_alloc_pick(a, request, &chosen, &why);
    if (r == VFA_CLAIM_REFUSED && request->optional)
        return 0;
    if (r == VFA_CLAIM_RESCAN)
        return r;
    if (r) {
        vfa_error_move(err, &why);
        return r;
    }
    return vfa_alloc_assign(a, request, &chosen, true, assignments, err);
}

/* ---- all of it ---- */

/* Releases the incoming claims of a domain that did not come. Any other claim means that the domain
 * runs. */
static int forget_incoming(struct vfa_alloc *a, struct vfa_error *err)
{
    int r = vfa_alloc_load_claims(a, err);

    while (r == 0 && a->claims.n > 0) {
        const struct vfa_claim *claim = &a->claims.items[0];

        if (claim->state != VFA_CLAIM_INCOMING) {
            return vfa_refuse(
                err, EBUSY,
                "it has device %s already, for request '%s': does it run here? If not, run "
                "'vfalias gc'",
                claim->device, claim->request);
        }
        r = vfa_alloc_release(a, claim->request, VFA_WHY_LEFT, err);
    }
    return r;
}

static int begin_incoming(struct vfa_alloc *a, struct vfa_error *err)
{
    int r = vfa_alloc_check_synced(a, err);

    if (r == 0)
        r = vfa_topology_locate(&a->host->sysfs, &a->domain->numa_nodes, &a->domain->pinned_cpus,
                                &a->place, err);
    if (r == 0)
        r = forget_incoming(a, err);
    return r ? r : vfa_alloc_make_fresh(a, err);
}

static int claim_incoming(struct vfa_alloc *a, unsigned what, struct vfa_assignments *assignments,
                          struct vfa_error *err)
{
    const struct vfa_domain *domain = a->domain;
    int r = 0;

    if (domain->bad_requests) {
        return vfa_refuse(err, EINVAL, "%s", domain->bad_requests);
    }
    r = begin_incoming(a, err);
    if (r == 0 && vfa_domain_has_requests(domain))
        r = vfa_alloc_claim_static(a, err);
    if (r == 0 && (what & VFA_INCOMING_KEEP_SOURCES))
        r = keep_all(a, assignments, err);
    for (size_t i = 0; i < domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];

        if (dev->request && !vfa_assignments_find(assignments, dev->request))
            r = serve_device(a, dev, assignments, err);
    }
    for (size_t i = 0; (what & VFA_INCOMING_HOTPLUG) && i < domain->n_requests && r == 0; i++) {
        if (!vfa_domain_device(domain, domain->requests[i].name))
            r = serve_request(a, &domain->requests[i], assignments, err);
    }
    return r;
}

struct job {
    const struct vfa_domain *domain;
    unsigned what;
    struct vfa_assignments assignments;
};

static void job_clear(struct job *job)
{
    vfa_assignments_clear(&job->assignments);
}

static int run_incoming(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct job *job = data;
    VFA_AUTO(vfa_alloc_clear)
    struct vfa_alloc a = {
        .host = host, .domain = job->domain, .arriving = true, .rescanned = host->scanned};

    vfa_assignments_clear(&job->assignments);
    return claim_incoming(&a, job->what, &job->assignments, err);
}

int vfa_incoming_claim(struct vfa_host *host, const struct vfa_domain *domain, unsigned what,
                       struct vfa_assignments *ret, struct vfa_error *err)
{
    VFA_AUTO(job_clear) struct job job = {.domain = domain, .what = what};
    int r = vfa_transaction_run(host, true, run_incoming, &job, err);

    if (r && r != VFA_CLAIM_RESCAN)
        vfa_wrap(err, "domain '%s'", domain->name);
    if (r == 0) {
        *ret = job.assignments;
        job.assignments = (struct vfa_assignments){NULL, 0};
    }
    return r;
}

int vfa_incoming_cancel(struct vfa_host *host, const char *uuid, size_t *ret_n,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    size_t n = 0;
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    r = vfa_state_claims(host->state, uuid, &claims, err);
    for (size_t i = 0; i < claims.n && r == 0; i++) {
        if (claims.items[i].state != VFA_CLAIM_INCOMING)
            continue;
        r = vfa_release(host, uuid, claims.items[i].request, VFA_WHY_FAILED, NULL, err);
        n++;
    }
    r = vfa_state_finish(host->state, own, r, err);
    if (r == 0)
        *ret_n = n;
    return r;
}
