/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One allocation for a domain: its transaction, the devices that elements of the XML name, and who
 * holds them.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/bridge-kind.h"
#include "device/device.h"
#include "device/health.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "device/kind.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/state.h"
#include "host/binding.h"
#include "host/host.h"
#include "host/rescan.h"
#include "choose/resolve.h"
#include "assignment.h"
#include "claim.h"
#include "private.h"
#include "transaction.h"

#include <errno.h>
#include <string.h>

void vfa_alloc_clear(struct vfa_alloc *a)
{
    vfa_health_context_clear(&a->health_context);
    vfa_alloc_forget_claims(a, 0);
    free(a->claims.items);
    a->claims.items = NULL;
}

/* ---- the transaction ---- */

static int run_job(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct vfa_alloc_job *job = data;
    VFA_AUTO(vfa_alloc_clear)
    struct vfa_alloc a = {.host = host,
                          .domain = job->domain,
                          .ended = job->ended,
                          .unrecorded = job->unrecorded,
                          .rescanned = host->scanned};
    int r = vfa_state_counter(host->state, VFA_COUNTER_FREED, &job->freed, err);

    if (r == 0)
        r = job->what(&a, err);
    job->start_refused = a.start_refused;
    return r;
}

int vfa_alloc_run(struct vfa_host *host, struct vfa_alloc_job *job, struct vfa_error *err)
{
    int r = vfa_transaction_run(host, true, run_job, job, err);

    if (r && r != VFA_CLAIM_TRY_AGAIN)
        vfa_wrap(err, "domain '%s'", job->domain->name);
    return r;
}

int vfa_alloc_rescan(struct vfa_alloc *a, struct vfa_error *err)
{
    if (!vfa_state_is_copy(a->host->state))
        return VFA_CLAIM_RESCAN;
    a->rescanned = true;
    return vfa_host_rescan_unless_young(a->host, err);
}

int vfa_alloc_make_fresh(struct vfa_alloc *a, struct vfa_error *err)
{
    bool fresh;
    int r = vfa_state_index_fresh(a->host->state, a->host->config, &fresh, err);

    return r < 0 || fresh ? r : vfa_alloc_rescan(a, err);
}

/* ---- the domain ---- */

static int refuse_lost(struct vfa_alloc *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *awaited = NULL;
    int r = vfa_state_awaited(a->host->state, &awaited, err);

    if (r < 0)
        return r;
    if (awaited)
        return vfa_refuse(
            err, EAGAIN,
            "the state file was lost, and vfaliasd cannot read which devices the running domain '%s' has: see 'journalctl -u vfaliasd'",
            awaited);
    return vfa_refuse(err, EAGAIN,
                      "the state file was lost and vfaliasd has not rebuilt it from the running "
                      "domains yet: try again once it has connected to libvirt");
}

int vfa_alloc_check_synced(struct vfa_alloc *a, struct vfa_error *err)
{
    bool synced;
    int r = vfa_state_synced(a->host->state, &synced, err);

    if (r < 0 || synced || !vfa_domain_has_requests(a->domain))
        return r;
    return refuse_lost(a, err);
}

/* ---- a device ---- */

static int find_netdev(struct vfa_alloc *a, const char *netdev, char *ret, struct vfa_error *err)
{
    struct vfa_pci_addr addr;
    int r = vfa_pci_of_netdev(&a->host->sysfs, netdev, &addr, err);

    if (r == 0)
        vfa_pci_addr_format(&addr, ret);
    return r;
}

int vfa_alloc_source(struct vfa_alloc *a, const struct vfa_domdev *dev, char *ret,
                     struct vfa_error *err)
{
    if (!dev->source)
        return VFA_SYSFS_GONE;
    switch (vfa_attach_facts(dev->kind)->source) {
    case VFA_ATTACH_SOURCE_NETDEV:
        return find_netdev(a, dev->source, ret, err);
    case VFA_ATTACH_SOURCE_NODE:
        return vfa_alloc_node(a, dev, ret, err);
    case VFA_ATTACH_SOURCE_BRIDGE:
        if (!dev->request)
            return VFA_SYSFS_GONE;
        vfa_bridge_id(dev->source, a->domain->uuid, dev->request, ret);
        return 0;
    case VFA_ATTACH_SOURCE_DEVICE:
        break;
    }
    if (!vfa_kind_of(dev->source))
        return VFA_SYSFS_GONE;
    snprintf(ret, VFA_DEVICE_ID_SIZE, "%s", dev->source);
    return 0;
}

int vfa_alloc_read(struct vfa_alloc *a, const char *device, struct vfa_device *ret,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_kind_read(&a->host->sysfs, device, ret, &why);

    if (r < 0 && r != -ETIMEDOUT)
        return vfa_error_move(err, &why);
    if (r < 0 && a->host->warn)
        a->host->warn(vfa_error_text(&why));
    if (r != 0)
        *ret = vfa_device_unknown(device);
    return 0;
}

int vfa_alloc_assign(struct vfa_alloc *a, const struct vfa_request *request,
                     struct vfa_device *device, bool moved, struct vfa_assignments *assignments,
                     struct vfa_error *err)
{
    const struct vfa_config *config = a->host->config;
    struct vfa_assignment assignment = {
        .request = request->name, .device = *device, .moved = moved};
    const struct vfa_alias *alias;
    int r = vfa_alloc_load_claims(a, err);

    if (r < 0)
        return r;
    alias = vfa_resolve_claimed(config, request, vfa_claims_find(&a->claims, request->name));
    assignment.alias = alias ? alias->name : NULL;
    r = vfa_binding_managed(config, &a->host->sysfs, device, alias, &assignment.managed, err);
    if (r == 0)
        r = vfa_assignments_add(assignments, &assignment, err);
    if (r == 0)
        *device = assignment.device;
    return r;
}

const char *vfa_alloc_claim_name(const struct vfa_domdev *dev, const char *device, char *buf)
{
    if (dev->request)
        return dev->request;
    snprintf(buf, VFA_ALLOC_NAME_SIZE, VFA_STATIC_PREFIX "%s", device);
    return buf;
}

int vfa_alloc_holder(struct vfa_alloc *a, const struct vfa_device *now, struct vfa_claim *ret,
                     struct vfa_error *err)
{
    struct vfa_keys keys;

    vfa_keys_of_device(now, &keys);
    return vfa_state_holder(a->host->state, &keys, a->domain->uuid, ret, err);
}

int vfa_alloc_fail_stuck(const struct vfa_device *now, struct vfa_error *err)
{
    return vfa_fail(err, EPROTO, "cannot claim device %s: it is taken, but no claim is in the way",
                    now->id);
}
