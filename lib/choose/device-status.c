/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See device-status.h. Claims are found by binary search in a sorted list: each claim is listed
 * under its device, under the PF of its device (if that is a VF), and under its IOMMU group. So the
 * scan stays fast on a host with thousands of claims.
 */

#include "device-status.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/health.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/failed.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/tentative.h"
#include "choose.h"
#include "verdict-health.h"
#include "verdict.h"

#include <string.h>

/* ---- devices that a claim affects ---- */

#define KEY_SIZE (VFA_PCI_ADDR_SIZE + 1)

struct affected {
    char key[KEY_SIZE]; /* "=DEVICE", "^PF of a claimed VF", "#GROUP" */
    const struct vfa_claim *claim;
};

struct affected_list {
    struct affected *items;
    size_t n;
};

static int compare_affected(const void *a, const void *b)
{
    return strcmp(((const struct affected *)a)->key, ((const struct affected *)b)->key);
}

static void add_affected(struct affected_list *list, char kind, const char *what,
                         const struct vfa_claim *claim)
{
    struct affected *item = &list->items[list->n++];

    item->claim = claim;
    snprintf(item->key, sizeof(item->key), "%c%s", kind, what);
}

static void affected_list_clear(struct affected_list *list)
{
    free(list->items);
}

static void add_claim(struct affected_list *list, const struct vfa_claim *claim)
{
    char group[16];

    add_affected(list, '=', claim->device, claim);
    if (claim->parent)
        add_affected(list, '^', claim->parent, claim);
    snprintf(group, sizeof(group), "%d", claim->iommu_group);
    if (claim->iommu_group >= 0)
        add_affected(list, '#', group, claim);
}

static int list_affected(const struct vfa_claims *claims, struct affected_list *ret,
                         struct vfa_error *err)
{
    *ret = (struct affected_list){.items = calloc(claims->n * 3 + 1, sizeof(*ret->items))};
    if (!ret->items)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < claims->n; i++)
        add_claim(ret, &claims->items[i]);
    qsort(ret->items, ret->n, sizeof(*ret->items), compare_affected);
    return 0;
}

/* The index of the first item whose key is not less. */
static size_t find_lower_bound(const struct affected_list *list, const char *key)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first claim under a key, without the claims that domain `but` holds; or NULL. */
static const struct vfa_claim *find_affected(const struct affected_list *list, char kind,
                                             const char *what, const char *but)
{
    char key[KEY_SIZE];

    snprintf(key, sizeof(key), "%c%s", kind, what);
    for (size_t i = find_lower_bound(list, key);
         i < list->n && strcmp(list->items[i].key, key) == 0; i++) {
        const struct vfa_claim *claim = list->items[i].claim;

        if (strcmp(claim->uuid, but) != 0 || !vfa_claim_is_held(claim->state))
            return claim;
    }
    return NULL;
}

static const struct vfa_claim *find_holder(const struct affected_list *list,
                                           const struct vfa_device *dev, const char *uuid)
{
    char address[VFA_PCI_ADDR_SIZE], parent[VFA_PCI_ADDR_SIZE], group[16];
    const struct vfa_claim *holder;

    vfa_pci_addr_format(&dev->addr, address);
    holder = find_affected(list, '=', address, "");
    if (!holder)
        holder = find_affected(list, '^', address, "");
    if (!holder && dev->type == VFA_TYPE_VF)
        holder = find_affected(list, '=', vfa_pci_addr_format(&dev->parent, parent), "");
    snprintf(group, sizeof(group), "%d", dev->iommu_group);
    if (!holder && dev->iommu_group >= 0)
        holder = find_affected(list, '#', group, uuid);
    return holder;
}

/* ---- quarantine and failures ---- */

static int compare_quarantined(const void *a, const void *b)
{
    return strcmp(((const struct vfa_quarantined *)a)->device,
                  ((const struct vfa_quarantined *)b)->device);
}

static const struct vfa_quarantined *find_quarantined(const struct vfa_quarantine *list,
                                                      const struct vfa_device *dev)
{
    char address[VFA_PCI_ADDR_SIZE];
    const struct vfa_quarantined key = {.device = vfa_pci_addr_format(&dev->addr, address)};

    return list->n ? bsearch(&key, list->items, list->n, sizeof(key), compare_quarantined) : NULL;
}

/* ---- tentative assignments ---- */

/* The first assignment of the device. The list is sorted by device. */
static const struct vfa_tentative *find_tentative(const struct vfa_tentatives *list,
                                                  const struct vfa_device *dev)
{
    char address[VFA_PCI_ADDR_SIZE];
    size_t low = 0, high = list->n;

    vfa_pci_addr_format(&dev->addr, address);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->items[middle].device, address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->n && strcmp(list->items[low].device, address) == 0 ? &list->items[low]
                                                                          : NULL;
}

/* ---- the checks ---- */

static int keep_finding(const struct vfa_finding *finding, struct vfa_device_finding *ret,
                        struct vfa_error *err)
{
    ret->verdict = vfa_verdict_of_health(finding->fault);
    if (finding->fault == VFA_HEALTH_NONE)
        return 0;
    ret->detail = strdup(finding->detail);
    return ret->detail ? 0 : vfa_fail_oom(err);
}

static int check_health(struct vfa_health_context *health_context, struct vfa_device_status *device,
                        struct vfa_error *err)
{
    struct vfa_health health;
    int r = vfa_health_check(health_context, device->dev, &health, err);

    if (r == 0)
        r = keep_finding(&health.use, &device->use, err);
    if (r == 0)
        r = keep_finding(&health.pf, &device->pf, err);
    return r == 0 ? keep_finding(&health.group, &device->group, err) : r;
}

static int check_held(struct vfa_health_context *health_context, const struct affected_list *list,
                      struct vfa_device_status *device, struct vfa_error *err)
{
    struct vfa_finding held;
    char group[16];
    int r;

    snprintf(group, sizeof(group), "%d", device->dev->iommu_group);
    if (find_affected(list, '#', group, "")) /* QEMU of the claim's domain has the group open */
        return 0;
    r = vfa_health_held(health_context, device->dev, &held, err);
    return r == 0 ? keep_finding(&held, &device->held, err) : r;
}

/* A claim on another device of the IOMMU group does not count: this device can still be used for a
 * macvtap. */
static bool is_device_held(const struct vfa_device_status *device)
{
    return device->holder &&
           vfa_choose_holder(device->holder, device->dev) != VFA_VERDICT_GROUP_TAKEN;
}

/* ---- the status of all devices ---- */

static void look_up_status(const struct vfa_config *config, const struct affected_list *affected,
                           const char *uuid, const struct vfa_device_status_list *list,
                           struct vfa_device_status *device)
{
    device->spec = vfa_config_spec_for(config, list->inv, device->dev);
    device->claimable = vfa_config_claimable(config, list->inv, device->dev);
    device->holder = find_holder(affected, device->dev, uuid);
    device->quarantined = find_quarantined(&list->quarantine, device->dev);
    device->tentative = find_tentative(&list->tentative, device->dev);
    device->failure = find_quarantined(&list->failures, device->dev);
}

static int fill_devices(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                        const char *uuid, struct vfa_device_status_list *list,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = sysfs};
    VFA_AUTO(affected_list_clear) struct affected_list affected = {NULL, 0};
    int r = list_affected(&list->claims, &affected, err);

    for (size_t i = 0; r == 0 && i < list->inv->n; i++) {
        struct vfa_device_status *device = &list->devices[list->n++];

        device->dev = &list->inv->devices[i];
        look_up_status(config, &affected, uuid, list, device);
        if (device->claimable && !is_device_held(device))
            r = check_health(&health_context, device, err);
        if (r == 0 && device->claimable && !device->holder)
            r = check_held(&health_context, &affected, device, err);
    }
    return r;
}

static int read_lists(struct vfa_state *state, struct vfa_device_status_list *ret,
                      struct vfa_error *err)
{
    int r = vfa_state_all_claims(state, NULL, &ret->claims, err);

    if (r == 0)
        r = vfa_state_quarantined(state, NULL, &ret->quarantine, err);
    if (r == 0)
        r = vfa_state_tentative(state, NULL, &ret->tentative, err);
    return r == 0 ? vfa_state_failures(state, &ret->failures, err) : r;
}

int vfa_device_status_make(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                           struct vfa_state *state, const char *uuid,
                           struct vfa_device_status_list *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_status_clear) struct vfa_device_status_list list = {0};
    int r = vfa_inventory_scan(sysfs, &list.inv, err);

    if (r == 0 && state)
        r = read_lists(state, &list, err);
    if (r < 0)
        return r;
    list.devices = calloc(list.inv->n + 1, sizeof(*list.devices));
    if (!list.devices)
        return vfa_fail_oom(err);
    r = fill_devices(config, sysfs, uuid, &list, err);
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_device_status_list){0};
    return 0;
}

static void clear_findings(struct vfa_device_status *device)
{
    free(device->use.detail);
    free(device->pf.detail);
    free(device->group.detail);
    free(device->held.detail);
}

void vfa_device_status_clear(struct vfa_device_status_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        clear_findings(&list->devices[i]);
    free(list->devices);
    vfa_tentatives_clear(&list->tentative);
    vfa_quarantine_clear(&list->failures);
    vfa_quarantine_clear(&list->quarantine);
    vfa_claims_clear(&list->claims);
    vfa_inventory_free(list->inv);
    *list = (struct vfa_device_status_list){0};
}

/* ---- the checks alone, for the index ---- */

static int check_device(struct vfa_health_context *health_context, const struct affected_list *list,
                        const struct vfa_device *dev, struct vfa_checked *ret,
                        struct vfa_error *err)
{
    struct vfa_device_status device = {.dev = dev, .holder = find_holder(list, dev, "")};
    int r = 0;

    ret->known = !is_device_held(&device);
    if (ret->known)
        r = check_health(health_context, &device, err);
    if (r == 0 && !device.holder)
        r = check_held(health_context, list, &device, err);
    ret->use = device.use.verdict;
    ret->pf = device.pf.verdict;
    ret->group = device.group.verdict;
    ret->held = device.held.verdict;
    clear_findings(&device);
    return r;
}

/* Discards the checks of devices that were claimed since the claims were read: libvirt may have
 * changed such a device during its check. */
static int forget_held(struct vfa_state *state, const struct vfa_inventory *inv,
                       struct vfa_checked *checked, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(affected_list_clear) struct affected_list list = {NULL, 0};
    int r = vfa_state_all_claims(state, NULL, &claims, err);

    if (r == 0)
        r = list_affected(&claims, &list, err);
    for (size_t i = 0; r == 0 && i < inv->n; i++) {
        const struct vfa_device_status device = {
            .dev = &inv->devices[i], .holder = find_holder(&list, &inv->devices[i], "")};

        if (is_device_held(&device))
            checked[i].known = false;
    }
    return r;
}

static int check_devices(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                         struct vfa_state *state, const struct vfa_inventory *inv,
                         struct vfa_checked *checked, struct vfa_error *err)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = sysfs};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(affected_list_clear) struct affected_list list = {NULL, 0};
    int r = vfa_state_all_claims(state, NULL, &claims, err);

    if (r == 0)
        r = list_affected(&claims, &list, err);
    for (size_t i = 0; r == 0 && i < inv->n; i++) {
        if (vfa_config_claimable(config, inv, &inv->devices[i]))
            r = check_device(&health_context, &list, &inv->devices[i], &checked[i], err);
    }
    return r;
}

int vfa_device_status_check(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                            struct vfa_state *state, const struct vfa_inventory *inv,
                            struct vfa_checked **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) struct vfa_checked *checked = calloc(inv->n + 1, sizeof(*checked));
    int r;

    if (!checked)
        return vfa_fail_oom(err);
    r = check_devices(config, sysfs, state, inv, checked, err);
    if (r == 0)
        r = forget_held(state, inv, checked, err);
    if (r == 0)
        *ret = vfa_steal(&checked);
    return r;
}

enum vfa_verdict vfa_device_status_judge(const struct vfa_device_status *device,
                                         const struct vfa_criteria *criteria)
{
    const struct vfa_facts facts = {.dev = device->dev,
                                    .spec = device->spec,
                                    .claimable = device->claimable,
                                    .holder = device->holder,
                                    .quarantined = device->quarantined,
                                    .use = device->use.verdict,
                                    .pf = device->pf.verdict,
                                    .group = device->group.verdict,
                                    .held = device->held.verdict};

    return vfa_choose_judge(criteria, &facts);
}
