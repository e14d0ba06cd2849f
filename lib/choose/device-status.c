/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See device-status.h. Conflicting claims are found by binary search in the list of all keys of
 * claims (state/conflict.h). So the scan stays fast on a host with thousands of claims.
 */

#include "device-status.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/health.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "device/kind.h"
#include "device/sysfs.h"
#include "spec/match.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/failed.h"
#include "state/full.h"
#include "state/index.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/tentative.h"
#include "choose.h"
#include "verdict-health.h"
#include "verdict.h"

#include <string.h>

/* ---- quarantine and failures ---- */

static int compare_quarantined(const void *a, const void *b)
{
    return strcmp(((const struct vfa_quarantined *)a)->device,
                  ((const struct vfa_quarantined *)b)->device);
}

static const struct vfa_quarantined *find_quarantined(const struct vfa_quarantine *list,
                                                      const struct vfa_device *dev)
{
    const struct vfa_quarantined key = {.device = (char *)dev->id};

    return list->n ? bsearch(&key, list->items, list->n, sizeof(key), compare_quarantined) : NULL;
}

/* ---- tentative assignments ---- */

/* The first assignment of the device. The list is sorted by device. */
static const struct vfa_tentative *find_tentative(const struct vfa_tentatives *list,
                                                  const struct vfa_device *dev)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->items[middle].device, dev->id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->n && strcmp(list->items[low].device, dev->id) == 0 ? &list->items[low]
                                                                          : NULL;
}

/* ---- claims ---- */

static const struct vfa_held_key *find_holder(const struct vfa_held_keys *held,
                                              const struct vfa_device *dev, const char *uuid)
{
    struct vfa_keys keys, others;

    vfa_keys_of_device(dev, &keys);
    if (!dev->makes)
        return vfa_held_keys_holder(held, &keys, uuid);
    others.n = keys.n - 1; /* what was made uses slots of its maker, but does not exclude it */
    memcpy(others.items, keys.items + 1, others.n * sizeof(*others.items));
    return vfa_held_keys_holder(held, &others, uuid);
}

static void set_holder(struct vfa_device_status *device, const struct vfa_held_key *held)
{
    device->holder = held ? held->claim : NULL;
    device->key = held ? held->text : NULL;
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
    int r = vfa_kind_check(health_context, device->dev, &health, err);

    if (r < 0)
        return r;
    device->vfio = health.vfio;
    r = keep_finding(&health.use, &device->use, err);
    if (r == 0)
        r = keep_finding(&health.pf, &device->pf, err);
    return r == 0 ? keep_finding(&health.group, &device->group, err) : r;
}

static int check_held(struct vfa_health_context *health_context, const struct vfa_held_keys *keys,
                      struct vfa_device_status *device, struct vfa_error *err)
{
    struct vfa_finding held;
    int r;

    if (find_holder(keys, device->dev, "")) /* QEMU of the claim's domain has the group open */
        return 0;
    r = vfa_health_held(health_context, device->dev, &held, err);
    return r == 0 ? keep_finding(&held, &device->held, err) : r;
}

/* A claim on another device of the IOMMU group does not count: this device can still be used for a
 * macvtap. */
static bool is_device_held(const struct vfa_device_status *device)
{
    return device->holder &&
           vfa_choose_holder(device->holder, device->key, device->dev) != VFA_VERDICT_GROUP_TAKEN;
}

/* ---- the status of all devices ---- */

static void look_up_status(const struct vfa_config *config, const struct vfa_held_keys *held,
                           const char *uuid, const struct vfa_device_status_list *list,
                           struct vfa_device_status *device)
{
    device->spec = vfa_config_spec_for(config, list->inv, device->dev);
    device->claimable = vfa_config_claimable(config, list->inv, device->dev);
    device->slots = vfa_spec_slots(device->spec, device->dev);
    if (device->dev->makes)
        device->used = (unsigned)vfa_held_keys_count(held, device->dev->id);
    set_holder(device, find_holder(held, device->dev, uuid));
    device->quarantined = find_quarantined(&list->quarantine, device->dev);
    device->tentative = find_tentative(&list->tentative, device->dev);
    device->failure = find_quarantined(&list->failures, device->dev);
}

static int fill_devices(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                        const char *uuid, struct vfa_device_status_list *list,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = sysfs};
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->inv->n; i++) {
        struct vfa_device_status *device = &list->devices[list->n++];

        device->dev = &list->inv->devices[i];
        look_up_status(config, &list->held, uuid, list, device);
        if (device->claimable && !is_device_held(device))
            r = check_health(&health_context, device, err);
        if (r == 0 && device->claimable && !device->holder)
            r = check_held(&health_context, &list->held, device, err);
    }
    return r;
}

/* ---- the slots of makers ---- */

/* Lowers the slots of a maker that the index counts with fewer: see full.h. */
static int lower_slots(struct vfa_state *state, struct vfa_device_status *device, bool *ret,
                       struct vfa_error *err)
{
    int64_t slots;
    int r = vfa_state_slots(state, device->dev->id, &slots, err);

    *ret = r == 0 && slots >= 0 && slots < device->slots;
    if (*ret)
        device->slots = (unsigned)slots;
    return r;
}

/* A maker whose slots all have claims can make no more. A fault that was found before has priority. */
static int check_slots(struct vfa_state *state, struct vfa_device_status *device,
                       struct vfa_error *err)
{
    bool lowered = false;
    int r = state ? lower_slots(state, device, &lowered, err) : 0;

    if (r < 0 || device->used < device->slots || device->use.verdict != VFA_VERDICT_CANDIDATE)
        return r;
    device->use.verdict = VFA_VERDICT_FULL;
    if (asprintf(&device->use.detail, "%u claimed%s", device->used,
                 lowered ? ", and there is no room for more" : ", the maximum") >= 0)
        return 0;
    device->use.detail = NULL;
    return vfa_fail_oom(err);
}

/* state: NULL, or its index counts if it was made from this configuration. */
static int check_makers(const struct vfa_config *config, struct vfa_state *state,
                        struct vfa_device_status_list *list, struct vfa_error *err)
{
    bool fresh = false;
    int r = state ? vfa_state_index_fresh(state, config, &fresh, err) : 0;

    for (size_t i = 0; i < list->n && r == 0; i++) {
        struct vfa_device_status *device = &list->devices[i];

        if (device->dev->makes && device->claimable)
            r = check_slots(fresh ? state : NULL, device, err);
    }
    return r;
}

/* ---- all of it ---- */

static int read_lists(struct vfa_state *state, struct vfa_device_status_list *ret,
                      struct vfa_error *err)
{
    int r = vfa_state_all_claims(state, NULL, &ret->claims, err);

    if (r == 0)
        r = vfa_state_held_keys(state, &ret->claims, &ret->held, err);
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
    if (r == 0)
        r = check_makers(config, state, &list, err);
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
    vfa_held_keys_clear(&list->held);
    vfa_tentatives_clear(&list->tentative);
    vfa_quarantine_clear(&list->failures);
    vfa_quarantine_clear(&list->quarantine);
    vfa_claims_clear(&list->claims);
    vfa_inventory_free(list->inv);
    *list = (struct vfa_device_status_list){0};
}

/* ---- the checks alone, for the index ---- */

static int check_device(struct vfa_health_context *health_context, const struct vfa_held_keys *held,
                        const struct vfa_device *dev, struct vfa_checked *ret,
                        struct vfa_error *err)
{
    struct vfa_device_status device = {.dev = dev};
    int r = 0;

    set_holder(&device, find_holder(held, dev, ""));
    ret->known = !is_device_held(&device);
    if (ret->known)
        r = check_health(health_context, &device, err);
    if (r == 0 && !device.holder)
        r = check_held(health_context, held, &device, err);
    ret->use = device.use.verdict;
    ret->pf = device.pf.verdict;
    ret->group = device.group.verdict;
    ret->held = device.held.verdict;
    ret->vfio = device.vfio;
    clear_findings(&device);
    return r;
}

/* Discards the checks of devices that were claimed since the claims were read: libvirt may have
 * changed such a device during its check. */
static int forget_held(struct vfa_state *state, const struct vfa_inventory *inv,
                       struct vfa_checked *checked, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_held_keys_clear) struct vfa_held_keys held = {NULL, 0};
    int r = vfa_state_all_claims(state, NULL, &claims, err);

    if (r == 0)
        r = vfa_state_held_keys(state, &claims, &held, err);
    for (size_t i = 0; r == 0 && i < inv->n; i++) {
        struct vfa_device_status device = {.dev = &inv->devices[i]};

        set_holder(&device, find_holder(&held, &inv->devices[i], ""));
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
    VFA_AUTO(vfa_held_keys_clear) struct vfa_held_keys held = {NULL, 0};
    int r = vfa_state_all_claims(state, NULL, &claims, err);

    if (r == 0)
        r = vfa_state_held_keys(state, &claims, &held, err);
    for (size_t i = 0; r == 0 && i < inv->n; i++) {
        if (vfa_config_claimable(config, inv, &inv->devices[i]))
            r = check_device(&health_context, &held, &inv->devices[i], &checked[i], err);
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
                                    .key = device->key,
                                    .quarantined = device->quarantined,
                                    .use = device->use.verdict,
                                    .pf = device->pf.verdict,
                                    .group = device->group.verdict,
                                    .held = device->held.verdict,
                                    .vfio = device->vfio};

    return vfa_choose_judge(criteria, &facts);
}
