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

/* Of a domain that runs: what the name says, whatever the device is. */
static int find_alias(struct vfa_attempt *a, const struct vfa_domdev *dev,
                      const struct vfa_alias **ret, struct vfa_error *err)
{
    *ret = NULL;
    return dev->request ? vfa_allocate_alias_of(a->host->config, a->domain, dev, ret, err) : 0;
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
    return vfa_release(a->host, a->domain->uuid, name, VFA_WHY_REPLACED, NULL, err);
}

int vfa_attempt_try_static(struct vfa_attempt *a, const struct vfa_domdev *dev,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    char buf[NAME_SIZE];
    int r = vfa_attempt_read(a, &dev->source, &now, err);

    return r < 0 ? r
                 : vfa_attempt_claim(a, claim_name(dev, &dev->source, buf), NULL, &now,
                                     a->arriving ? VFA_CLAIM_INCOMING : VFA_CLAIM_CLAIMED, err);
}

static int claim_static(struct vfa_attempt *a, const struct vfa_domdev *dev, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    char buf[NAME_SIZE];
    const char *name = claim_name(dev, &dev->source, buf);
    bool done;
    int r = take_arrived(a, name, &dev->source, &done, err);

    if (r < 0 || done)
        return r;
    r = vfa_attempt_try_static(a, dev, err);
    if (r != VFA_STATE_TAKEN)
        return r;
    r = vfa_attempt_read(a, &dev->source, &now, err);
    return r < 0 ? r : refuse_taken(a, &now, name, err);
}

/* *ret_unmet: it cannot be this one. */
static int claim_named(struct vfa_attempt *a, const struct vfa_domdev *dev, bool *ret_unmet,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_named_clear) struct vfa_named named = {0};
    bool done = false;
    int r = vfa_attempt_named(a, dev, &named, err);

    if (r == 0 && named.kind != VFA_NAMED_ABSENT)
        r = take_arrived(a, dev->request, &named.source, &done, err);
    if (r < 0 || done)
        return r;
    *ret_unmet = named.kind != VFA_NAMED_FITS && named.kind != VFA_NAMED_OWN;
    if (*ret_unmet) /* what may be incoming for it is not in the XML */
        return vfa_release(a->host, a->domain->uuid, dev->request, VFA_WHY_REPLACED, NULL, err);
    r = vfa_attempt_check_named(a, &named, err);
    if (r)
        return r;
    r = vfa_attempt_claim_named(a, &named, VFA_CLAIM_CLAIMED, err);
    return r == VFA_STATE_TAKEN ? refuse_taken(a, &named.device, dev->request, err) : r;
}

static int claim_all(struct vfa_attempt *a, bool *ret_unmet, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];
        bool unmet = false;

        if (dev->request)
            r = claim_named(a, dev, &unmet, err);
        else if (dev->has_source)
            r = claim_static(a, dev, err);
        *ret_unmet = *ret_unmet || unmet;
    }
    return r;
}

int vfa_attempt_claim_present(struct vfa_attempt *a, struct vfa_error *err)
{
    bool unmet = false;
    int r = vfa_state_claims(a->host->state, a->domain->uuid, &a->arrived, err);

    if (r == 0)
        r = claim_all(a, &unmet, err);
    vfa_claims_clear(&a->arrived);
    return r == 0 && unmet ? vfa_attempt_refuse_unmet(a, err) : r;
}

bool vfa_attempt_asks_for(const struct vfa_domain *domain, const struct vfa_claim *claim)
{
    char source[VFA_PCI_ADDR_SIZE];

    if (vfa_domain_request(domain, claim->request) || vfa_domain_device(domain, claim->request))
        return true;
    for (size_t i = 0; vfa_claim_is_static(claim->request) && i < domain->n_devices; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];

        if (dev->has_source &&
            strcmp(vfa_pci_addr_format(&dev->source, source), claim->device) == 0)
            return true;
    }
    return false;
}

int vfa_attempt_claim_static(struct vfa_attempt *a, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];

        if (!dev->request && dev->has_source)
            r = claim_static(a, dev, err);
    }
    return r;
}

/* ---- a domain that runs ---- */

/* A device that a network gave is in the live XML like one that was written there by hand. */
static bool is_the_claim(const struct vfa_claim *claim, const struct vfa_domain *domain,
                         const struct vfa_device *now, const char *request)
{
    char device[VFA_PCI_ADDR_SIZE];

    return vfa_claim_is_held(claim->state) && strcmp(claim->uuid, domain->uuid) == 0 &&
           strcmp(claim->device, vfa_pci_addr_format(&now->addr, device)) == 0 &&
           (strcmp(claim->request, request) == 0 ||
            (vfa_claim_is_static(claim->request) && vfa_claim_is_static(request)));
}

/* A claim that is made anew after the state was lost: what the VF was before the guest had it is
 * lost as well. The guest keeps it; nobody gets it from there. */
static int distrust(struct vfa_attempt *a, const struct vfa_domdev *dev,
                    const struct vfa_device *now, const struct vfa_alias *alias,
                    struct vfa_error *err)
{
    struct vfa_vf_settings settings;
    char device[VFA_PCI_ADDR_SIZE];
    bool synced;
    int r;

    if (!dev->request || now->type != VFA_TYPE_VF || !vfa_sysfs_is_host(&a->host->sysfs))
        return 0;
    vfa_request_settings(vfa_domain_request(a->domain, dev->request), alias, &settings);
    if (!settings.given)
        return 0;
    r = vfa_state_synced(a->host->state, &synced, err);
    if (r < 0 || synced)
        return r;
    return vfa_release_quarantine(a->host, vfa_pci_addr_format(&now->addr, device),
                                  VFA_QUARANTINE_OTHER,
                                  "what its settings were before a guest had it is not known: the "
                                  "state file was lost meanwhile",
                                  err);
}

/* A claim has ended since before the XML was read. Asked once: what is dropped here counts, too. */
static int is_stale(struct vfa_attempt *a, bool *ret, struct vfa_error *err)
{
    int64_t now = 0;
    int r = a->ended ? vfa_state_counter(a->host->state, VFA_COUNTER_ENDED, &now, err) : 0;

    *ret = a->ended && now != *a->ended;
    return r;
}

int vfa_attempt_fail_stuck(const struct vfa_device *now, struct vfa_error *err)
{
    char device[VFA_PCI_ADDR_SIZE];

    return vfa_fail(err, EPROTO, "cannot claim device %s: it is taken, but no claim is in the way",
                    vfa_pci_addr_format(&now->addr, device));
}

/* One claim that is in the way, or (holder NULL) the one that the name has. That of the very device
 * goes at once, and leaves what is saved to the domain that has the device. */
static int drop(struct vfa_attempt *a, const struct vfa_claim *holder, const char *device,
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

/* Libvirt gave the device to this domain: whatever is in the way is wrong. Each round drops one
 * claim, so there are as many rounds as claims. *ret_new: there was no claim that says so. */
static int take_over(struct vfa_attempt *a, const struct vfa_device *now, const char *name,
                     const struct vfa_alias *alias, bool *ret_new, struct vfa_error *err)
{
    char device[VFA_PCI_ADDR_SIZE];

    vfa_pci_addr_format(&now->addr, device);
    for (;;) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
        size_t dropped = 0;
        bool in_way;
        int r = vfa_attempt_holder(a, now, &holder, err);

        if (r < 0)
            return r;
        if (r == 0 && is_the_claim(&holder, a->domain, now, name))
            return vfa_state_set_claim_state(a->host->state, holder.uuid, holder.request,
                                             VFA_CLAIM_ACTIVE, err);
        *ret_new = true;
        in_way = r == 0 && (vfa_claim_is_held(holder.state) || strcmp(holder.device, device) == 0);
        r = drop(a, in_way ? &holder : NULL, device, name, &dropped, err);
        if (r == 0)
            r = vfa_attempt_claim(a, name, alias ? alias->name : NULL, now, VFA_CLAIM_ACTIVE, err);
        if (r == 0)
            return vfa_state_hand_over(a->host->state, device, err);
        if (r != VFA_STATE_TAKEN)
            return r;
        if (dropped == 0)
            return vfa_attempt_fail_stuck(now, err);
    }
}

/* The claims may say it already, whatever was read when. */
static int check_said(struct vfa_attempt *a, const struct vfa_device *now, const char *name,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    int r = vfa_attempt_holder(a, now, &holder, err);

    if (r < 0 ||
        (r == 0 && holder.state == VFA_CLAIM_ACTIVE && is_the_claim(&holder, a->domain, now, name)))
        return r;
    return VFA_ALLOCATE_AGAIN;
}

static int reassert_one(struct vfa_attempt *a, const struct vfa_domdev *dev, bool stale,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    struct vfa_pci_addr source;
    char buf[NAME_SIZE];
    const struct vfa_alias *alias = NULL;
    bool is_new = false;
    int r = vfa_attempt_source(a, dev, &source, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = vfa_attempt_read(a, &source, &now, err);
    vfa_attempt_leave_group(&now, dev->kind);
    if (r == 0)
        r = find_alias(a, dev, &alias, err);
    if (r == 0 && stale)
        return check_said(a, &now, claim_name(dev, &source, buf), err);
    if (r == 0)
        r = take_over(a, &now, claim_name(dev, &source, buf), alias, &is_new, err);
    return r == 0 && is_new ? distrust(a, dev, &now, alias, err) : r;
}

int vfa_attempt_reassert_present(struct vfa_attempt *a, struct vfa_error *err)
{
    bool stale = false;
    int r = is_stale(a, &stale, err);

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++)
        r = reassert_one(a, &a->domain->devices[i], stale, err);
    return r;
}
