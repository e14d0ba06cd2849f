/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that a domain's XML names already: those that are attached for a request, and host
 * devices of its own. At `prepare` they are claimed or refused; of a domain that runs they are a
 * fact.
 */
#include "allocate-private.h"
#include "release.h"

#include <errno.h>
#include <string.h>

#define NAME_SIZE (sizeof(VFA_STATIC_PREFIX) + VFA_PCI_ADDR_SIZE)

static const char *claim_name(const struct vfa_domdev *dev, const struct vfa_pci_addr *source,
                              char *buf)
{
    char address[VFA_PCI_ADDR_SIZE];

    if (dev->request)
        return dev->request;
    snprintf(buf, NAME_SIZE, VFA_STATIC_PREFIX "%s", vfa_pci_addr_format(source, address));
    return buf;
}

static const char *alias_name(struct vfa_attempt *a, const struct vfa_domdev *dev)
{
    const struct vfa_request *request =
        dev->request ? vfa_domain_request(a->domain, dev->request) : NULL;
    const struct vfa_alias *alias = request ? vfa_allocate_alias(a->host->config, request) : NULL;

    return alias ? alias->name : NULL;
}

int vfa_attempt_source(struct vfa_attempt *a, const struct vfa_domdev *dev,
                       struct vfa_pci_addr *ret, struct vfa_error *err)
{
    if (!dev->has_source)
        return VFA_SYSFS_GONE;
    if (dev->kind == VFA_ATTACH_MACVTAP)
        return vfa_inventory_netdev(&a->host->sysfs, dev->netdev, ret, err);
    *ret = dev->source;
    return 0;
}

int vfa_attempt_read(struct vfa_attempt *a, const struct vfa_pci_addr *addr, struct vfa_device *ret,
                     struct vfa_error *err)
{
    int r = vfa_inventory_read(&a->host->sysfs, addr, ret, err);

    if (r == VFA_SYSFS_GONE)
        *ret = (struct vfa_device){.addr = *addr, .numa_node = -1, .iommu_group = -1};
    return r < 0 ? r : 0;
}

int vfa_attempt_holder(struct vfa_attempt *a, const struct vfa_device *now, struct vfa_claim *ret,
                       struct vfa_error *err)
{
    char device[VFA_PCI_ADDR_SIZE], parent[VFA_PCI_ADDR_SIZE];

    vfa_pci_addr_format(&now->addr, device);
    vfa_pci_addr_format(&now->parent, parent);
    return vfa_state_holder(a->host->state, device, now->type == VFA_TYPE_VF ? parent : NULL,
                            now->iommu_group, a->domain->uuid, ret, err);
}

/* ---- prepare ---- */

static int refuse_taken(struct vfa_attempt *a, const struct vfa_device *now, const char *request,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    char device[VFA_PCI_ADDR_SIZE];
    int r = vfa_attempt_holder(a, now, &holder, err);

    if (r < 0)
        return r;
    vfa_pci_addr_format(&now->addr, device);
    if (r == VFA_STATE_ABSENT) /* the request's name is what is taken */
        vfa_fail(err, EBUSY, "device %s: request '%s' has another device already", device, request);
    else
        vfa_fail(err, EBUSY, "device %s is not free: domain '%s' holds %s (request '%s')", device,
                 holder.domain, holder.device, holder.request);
    return VFA_ALLOCATE_NONE;
}

/* What was claimed for the request when the domain was about to arrive: it is that device that the
 * XML names, or the XML has another one and is right. *ret: nothing is left to do. */
static int take_arrived(struct vfa_attempt *a, const char *name, const struct vfa_pci_addr *source,
                        bool *ret, struct vfa_error *err)
{
    const struct vfa_claim *claim = vfa_claims_find(&a->arrived, name);
    char device[VFA_PCI_ADDR_SIZE];

    *ret = claim && strcmp(claim->device, vfa_pci_addr_format(source, device)) == 0;
    if (!claim || *ret)
        return 0;
    return vfa_release(a->host, a->domain->uuid, name, NULL, err);
}

static int refuse_absent(const struct vfa_domdev *dev, struct vfa_error *err)
{
    vfa_fail(err, ENODEV, "device '%s%s': there is no netdev '%s' of a PCI device",
             VFA_DEVICE_PREFIX, dev->request, dev->netdev);
    return VFA_ALLOCATE_NONE;
}

static int claim_one(struct vfa_attempt *a, const struct vfa_domdev *dev,
                     const struct vfa_pci_addr *source, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    char buf[NAME_SIZE];
    const char *name;
    bool done;
    int r;

    if (!source)
        return refuse_absent(dev, err);
    name = claim_name(dev, source, buf);
    r = take_arrived(a, name, source, &done, err);
    if (r < 0 || done)
        return r;
    r = vfa_attempt_read(a, source, &now, err);
    if (r == 0)
        r = vfa_attempt_claim(a, name, alias_name(a, dev), &now,
                              a->arriving ? VFA_CLAIM_INCOMING : VFA_CLAIM_CLAIMED, err);
    return r == VFA_STATE_TAKEN ? refuse_taken(a, &now, name, err) : r;
}

/* source is NULL for a netdev that is not there; placeholders are passed over. */
typedef int each_fn(struct vfa_attempt *a, const struct vfa_domdev *dev,
                    const struct vfa_pci_addr *source, struct vfa_error *err);

static int each_with_source(struct vfa_attempt *a, each_fn *what, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];
        struct vfa_pci_addr source;
        int found = vfa_attempt_source(a, dev, &source, err);

        if (found < 0)
            return found;
        if (dev->has_source)
            r = what(a, dev, found == 0 ? &source : NULL, err);
    }
    return r;
}

int vfa_attempt_claim_present(struct vfa_attempt *a, struct vfa_error *err)
{
    int r = vfa_state_claims(a->host->state, a->domain->uuid, &a->arrived, err);

    if (r == 0)
        r = each_with_source(a, claim_one, err);
    vfa_claims_clear(&a->arrived);
    return r;
}

static int claim_static(struct vfa_attempt *a, const struct vfa_domdev *dev,
                        const struct vfa_pci_addr *source, struct vfa_error *err)
{
    return dev->request ? 0 : claim_one(a, dev, source, err);
}

int vfa_attempt_claim_static(struct vfa_attempt *a, struct vfa_error *err)
{
    return each_with_source(a, claim_static, err);
}

/* ---- a domain that runs ---- */

/* A device that a network gave is in the live XML like one that was written there by hand. */
static bool is_the_claim(const struct vfa_claim *claim, const struct vfa_domain *domain,
                         const struct vfa_device *now, const char *request)
{
    char device[VFA_PCI_ADDR_SIZE];

    return strcmp(claim->uuid, domain->uuid) == 0 &&
           strcmp(claim->device, vfa_pci_addr_format(&now->addr, device)) == 0 &&
           (strcmp(claim->request, request) == 0 ||
            (vfa_claim_is_static(claim->request) && vfa_claim_is_static(request)));
}

/* Libvirt gave the device to this domain: whatever is in the way is wrong. Each round drops one
 * claim. */
static int reassert_now(struct vfa_attempt *a, const struct vfa_domdev *dev,
                        const struct vfa_device *now, const char *name, struct vfa_error *err)
{
    for (;;) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
        int r = vfa_attempt_holder(a, now, &holder, err);

        if (r < 0)
            return r;
        if (r == 0 && is_the_claim(&holder, a->domain, now, name))
            return vfa_state_set_claim_state(a->host->state, holder.uuid, holder.request,
                                             VFA_CLAIM_ACTIVE, err);
        if (r == 0)
            r = vfa_release(a->host, holder.uuid, holder.request, NULL, err);
        else
            r = vfa_release(a->host, a->domain->uuid, name, NULL, err);
        if (r == 0)
            r = vfa_attempt_claim(a, name, alias_name(a, dev), now, VFA_CLAIM_ACTIVE, err);
        if (r != VFA_STATE_TAKEN)
            return r;
    }
}

static int reassert_one(struct vfa_attempt *a, const struct vfa_domdev *dev,
                        const struct vfa_pci_addr *source, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    char buf[NAME_SIZE];
    int r = source ? vfa_attempt_read(a, source, &now, err) : 0;

    if (!source)
        return 0;
    return r < 0 ? r : reassert_now(a, dev, &now, claim_name(dev, source, buf), err);
}

int vfa_attempt_reassert_present(struct vfa_attempt *a, struct vfa_error *err)
{
    return each_with_source(a, reassert_one, err);
}
