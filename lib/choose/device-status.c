/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See device-status.h. Claims are found through a sorted list of "who is affected": a claim stands there
 * under its own device, under its PF if that is a VF, and under its IOMMU group, so that a host
 * with thousands of all of them stays quick.
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

/* ---- who is affected by a claim ---- */

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

static int list_affected(const struct vfa_claims *claims, struct affected_list *ret,
                         struct vfa_error *err)
{
    *ret = (struct affected_list){.items = calloc(claims->n * 3 + 1, sizeof(*ret->items))};
    if (!ret->items)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];
        char group[16];

        add_affected(ret, '=', claim->device, claim);
        if (claim->parent)
            add_affected(ret, '^', claim->parent, claim);
        snprintf(group, sizeof(group), "%d", claim->iommu_group);
        if (claim->iommu_group >= 0)
            add_affected(ret, '#', group, claim);
    }
    qsort(ret->items, ret->n, sizeof(*ret->items), compare_affected);
    return 0;
}

/* The first claim under a key that is not one that domain `but` holds, or NULL. */
static const struct vfa_claim *find_affected(const struct affected_list *list, char kind,
                                             const char *what, const char *but)
{
    struct affected key;
    size_t low = 0, high = list->n;

    snprintf(key.key, sizeof(key.key), "%c%s", kind, what);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->items[middle].key, key.key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < list->n && strcmp(list->items[low].key, key.key) == 0; low++) {
        const struct vfa_claim *claim = list->items[low].claim;

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

/* ---- quarantine ---- */

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

    if (list->n == 0)
        return NULL;
    return bsearch(&key, list->items, list->n, sizeof(key), compare_quarantined);
}

/* ---- what is tentative ---- */

/* The first in a list by device. */
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

/* ---- what has failed ---- */

static int compare_failures(const void *a, const void *b)
{
    return strcmp(((const struct vfa_quarantined *)a)->device,
                  ((const struct vfa_quarantined *)b)->device);
}

static const struct vfa_quarantined *find_failure(const struct vfa_quarantine *list,
                                                  const struct vfa_device *dev)
{
    char address[VFA_PCI_ADDR_SIZE];
    const struct vfa_quarantined key = {.device = vfa_pci_addr_format(&dev->addr, address)};

    return list->n ? bsearch(&key, list->items, list->n, sizeof(key), compare_failures) : NULL;
}

/* ---- the survey ---- */

static int keep_finding(const struct vfa_finding *finding, struct vfa_device_finding *ret,
                        struct vfa_error *err)
{
    ret->drop = vfa_verdict_of_health(finding->fault);
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
    if (find_affected(list, '#', group, "")) /* its QEMU has the group open */
        return 0;
    r = vfa_health_held(health_context, device->dev, &held, err);
    return r == 0 ? keep_finding(&held, &device->held, err) : r;
}

/* A claim on another device of its IOMMU group does not matter to a macvtap. */
static bool is_held(const struct vfa_device_status *device)
{
    return device->holder &&
           vfa_choose_holder(device->holder, device->dev) != VFA_VERDICT_GROUP_TAKEN;
}

static int look_at_all(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                       const char *uuid, struct vfa_device_status_list *s, struct vfa_error *err)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = sysfs};
    struct affected_list list = {NULL, 0};
    int r = list_affected(&s->claims, &list, err);

    for (size_t i = 0; r == 0 && i < s->inv->n; i++) {
        struct vfa_device_status *device = &s->devices[s->n++];

        device->dev = &s->inv->devices[i];
        device->spec = vfa_config_spec_for(config, s->inv, device->dev);
        device->claimable = vfa_config_claimable(config, s->inv, device->dev);
        device->holder = find_holder(&list, device->dev, uuid);
        device->quarantined = find_quarantined(&s->quarantine, device->dev);
        device->tentative = find_tentative(&s->tentative, device->dev);
        device->failure = find_failure(&s->failures, device->dev);
        if (device->claimable && !is_held(device))
            r = check_health(&health_context, device, err);
        if (r == 0 && device->claimable && !device->holder)
            r = check_held(&health_context, &list, device, err);
    }
    free(list.items);
    return r;
}

int vfa_device_status_make(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                           struct vfa_state *state, const char *uuid,
                           struct vfa_device_status_list *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_status_clear) struct vfa_device_status_list s = {0};
    int r = vfa_inventory_scan(sysfs, &s.inv, err);

    if (r == 0 && state)
        r = vfa_state_all_claims(state, NULL, &s.claims, err);
    if (r == 0 && state)
        r = vfa_state_quarantined(state, NULL, &s.quarantine, err);
    if (r == 0 && state)
        r = vfa_state_tentative(state, NULL, &s.tentative, err);
    if (r == 0 && state)
        r = vfa_state_failures(state, &s.failures, err);
    if (r < 0)
        return r;
    s.devices = calloc(s.inv->n + 1, sizeof(*s.devices));
    if (!s.devices)
        return vfa_fail_oom(err);
    r = look_at_all(config, sysfs, uuid, &s, err);
    if (r < 0)
        return r;
    *ret = s;
    s = (struct vfa_device_status_list){0};
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

    ret->known = !is_held(&device);
    if (ret->known)
        r = check_health(health_context, &device, err);
    if (r == 0 && !device.holder)
        r = check_held(health_context, list, &device, err);
    ret->use = device.use.drop;
    ret->pf = device.pf.drop;
    ret->group = device.group.drop;
    ret->held = device.held.drop;
    clear_findings(&device);
    return r;
}

/* A device that somebody has got since the claims were read may have been checked while libvirt was
 * changing it. */
static int forget_held(struct vfa_state *state, const struct vfa_inventory *inv,
                       struct vfa_checked *checked, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    struct affected_list list = {NULL, 0};
    int r = vfa_state_all_claims(state, NULL, &claims, err);

    if (r == 0)
        r = list_affected(&claims, &list, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < inv->n; i++) {
        const struct vfa_device_status device = {
            .dev = &inv->devices[i], .holder = find_holder(&list, &inv->devices[i], "")};

        if (is_held(&device))
            checked[i].known = false;
    }
    free(list.items);
    return 0;
}

int vfa_device_status_check(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                            struct vfa_state *state, const struct vfa_inventory *inv,
                            struct vfa_checked **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = sysfs};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_freep) struct vfa_checked *checked = NULL;
    struct affected_list list = {NULL, 0};
    int r = vfa_state_all_claims(state, NULL, &claims, err);

    if (r == 0)
        r = list_affected(&claims, &list, err);
    if (r < 0)
        return r;
    checked = calloc(inv->n + 1, sizeof(*checked));
    if (!checked)
        r = vfa_fail_oom(err);
    for (size_t i = 0; r == 0 && i < inv->n; i++) {
        if (vfa_config_claimable(config, inv, &inv->devices[i]))
            r = check_device(&health_context, &list, &inv->devices[i], &checked[i], err);
    }
    free(list.items);
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
                                    .use = device->use.drop,
                                    .pf = device->pf.drop,
                                    .group = device->group.drop,
                                    .held = device->held.drop};

    return vfa_choose_judge(criteria, &facts);
}
