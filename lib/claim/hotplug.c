/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot-plug: one more device for a running domain, at once or when a device gets free. */

#include "hotplug.h"

#include "base/common.h"
#include "base/error.h"
#include "device/topology.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"
#include "check.h"
#include "claim.h"
#include "private.h"
#include "transaction.h"

#include <errno.h>
#include <string.h>

/* Moves the claim out of the list: the allocation is over. */
static int hand_over_claim(struct vfa_alloc *a, const char *request, struct vfa_claim *ret,
                           struct vfa_error *err)
{
    int r = vfa_alloc_load_claims(a, err);

    for (size_t i = 0; i < a->claims.n && r == 0; i++) {
        struct vfa_claim *claim = &a->claims.items[i];

        if (strcmp(claim->request, request) != 0)
            continue;
        *ret = *claim;
        *claim = a->claims.items[--a->claims.n];
        return 0;
    }
    return r < 0 ? r : vfa_fail(err, ENOENT, "cannot find the claim of request '%s'", request);
}

struct request_job {
    const struct vfa_domain *domain;
    const struct vfa_request *request;
    bool late;
    struct vfa_claim *ret; /* may be NULL */
};

static int do_request(struct vfa_host *host, void *data, struct vfa_error *err)
{
    const struct request_job *job = data;
    VFA_AUTO(vfa_alloc_clear)
    struct vfa_alloc a = {
        .host = host, .domain = job->domain, .rescanned = job->late || host->scanned};
    int r = vfa_alloc_check_synced(&a, err);

    if (r == VFA_CLAIM_REFUSED)
        r = VFA_CLAIM_TRY_AGAIN; /* the domain runs: the caller tries again */
    if (r == 0)
        r = vfa_topology_locate(&host->sysfs, &job->domain->numa_nodes, &job->domain->pinned_cpus,
                                &a.place, err);
    if (r == 0)
        r = vfa_alloc_make_fresh(&a, err);
    if (r == 0)
        r = vfa_check_request(host->config, job->domain, job->request, err);
    if (r == 0)
        r = vfa_alloc_pick(&a, job->request, NULL, err);
    if (r == 0 && job->ret)
        r = hand_over_claim(&a, job->request->name, job->ret, err);
    return r;
}

static int allocate_request(struct vfa_host *host, struct request_job *job, struct vfa_error *err)
{
    int r = vfa_transaction_run(host, true, do_request, job, err);

    if (r && r != VFA_CLAIM_RESCAN)
        vfa_wrap(err, "domain '%s'", job->domain->name);
    return r;
}

int vfa_hotplug_request(struct vfa_host *host, const struct vfa_domain *domain,
                        const struct vfa_request *request, struct vfa_claim *ret,
                        struct vfa_error *err)
{
    struct request_job job = {.domain = domain, .request = request, .ret = ret};

    return allocate_request(host, &job, err);
}

int vfa_hotplug_late(struct vfa_host *host, const struct vfa_domain *domain,
                     const struct vfa_request *request, struct vfa_claim *ret,
                     struct vfa_error *err)
{
    struct request_job job = {.domain = domain, .request = request, .late = true, .ret = ret};

    return allocate_request(host, &job, err);
}
