/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One allocation for a domain: its transaction, the devices that elements of the XML name, and who
 * holds them.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/health.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/state.h"
#include "host/host.h"
#include "host/rescan.h"
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
    struct vfa_alloc a = {
        .host = host, .domain = job->domain, .ended = job->ended, .rescanned = host->scanned};
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

bool vfa_alloc_asks(const struct vfa_alloc *a)
{
    for (size_t i = 0; i < a->domain->n_devices; i++) {
        if (a->domain->devices[i].request)
            return true;
    }
    return a->domain->n_requests > 0;
}

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

    return r < 0 || synced || !vfa_alloc_asks(a) ? r : refuse_lost(a, err);
}

/* ---- a device ---- */

int vfa_alloc_source(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_pci_addr *ret,
                     struct vfa_error *err)
{
    if (!dev->has_source)
        return VFA_SYSFS_GONE;
    if (vfa_attach_facts(dev->kind)->source == VFA_ATTACH_SOURCE_NETDEV)
        return vfa_inventory_netdev(&a->host->sysfs, dev->netdev, ret, err);
    *ret = dev->source;
    return 0;
}

int vfa_alloc_read(struct vfa_alloc *a, const struct vfa_pci_addr *addr, struct vfa_device *ret,
                   struct vfa_error *err)
{
    int r = vfa_inventory_read(&a->host->sysfs, addr, ret, err);

    if (r == VFA_SYSFS_GONE)
        *ret = (struct vfa_device){.addr = *addr, .numa_node = -1, .iommu_group = -1};
    return r < 0 ? r : 0;
}

const char *vfa_alloc_claim_name(const struct vfa_domdev *dev, const struct vfa_pci_addr *source,
                                 char *buf)
{
    char address[VFA_PCI_ADDR_SIZE];

    if (dev->request)
        return dev->request;
    snprintf(buf, VFA_ALLOC_NAME_SIZE, VFA_STATIC_PREFIX "%s",
             vfa_pci_addr_format(source, address));
    return buf;
}

int vfa_alloc_holder(struct vfa_alloc *a, const struct vfa_device *now, struct vfa_claim *ret,
                     struct vfa_error *err)
{
    char device[VFA_PCI_ADDR_SIZE], parent[VFA_PCI_ADDR_SIZE];

    vfa_pci_addr_format(&now->addr, device);
    vfa_pci_addr_format(&now->parent, parent);
    return vfa_state_holder(a->host->state, device, now->type == VFA_TYPE_VF ? parent : NULL,
                            now->iommu_group, a->domain->uuid, ret, err);
}

int vfa_alloc_fail_stuck(const struct vfa_device *now, struct vfa_error *err)
{
    char device[VFA_PCI_ADDR_SIZE];

    return vfa_fail(err, EPROTO, "cannot claim device %s: it is taken, but no claim is in the way",
                    vfa_pci_addr_format(&now->addr, device));
}
