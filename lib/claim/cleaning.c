/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See cleaning.h. */

#include "cleaning.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "device/kind.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/state.h"
#include "host/binding.h"
#include "host/host.h"

#include <errno.h>
#include <string.h>

/* ---- which spec ---- */

static bool some_spec_has_keys(const struct vfa_config *config)
{
    for (size_t i = 0; i < config->n_specs; i++) {
        if (config->specs[i].clean || config->specs[i].one_time_use)
            return true;
    }
    return false;
}

int vfa_cleaning_spec(const struct vfa_host *host, const struct vfa_device *dev,
                      const struct vfa_spec **ret, struct vfa_error *err)
{
    *ret = NULL;
    if (!some_spec_has_keys(host->config))
        return 0;
    return vfa_binding_spec(host->config, &host->sysfs, dev, ret, err);
}

/* Finds the spec of the device as it is now: it may have changed since the claim. A device that is
 * gone, or whose interface has not come back yet (devname), has no spec. */
static int spec_now(const struct vfa_host *host, const char *device, const struct vfa_spec **ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    int r;

    *ret = NULL;
    if (!some_spec_has_keys(host->config))
        return 0;
    r = vfa_kind_read(&host->sysfs, device, &dev, err);
    if (r == 0)
        r = vfa_cleaning_spec(host, &dev, ret, err);
    return r < 0 ? r : 0;
}

/* ---- claimed ---- */

static int quarantine(struct vfa_host *host, const char *device, enum vfa_quarantine_cause cause,
                      const char *reason, struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine there = {NULL, 0};
    int r = vfa_state_quarantined(host->state, device, &there, err);

    if (r < 0 || there.n > 0)
        return r;
    return vfa_state_quarantine(host->state, device, cause, reason, err);
}

int vfa_cleaning_burn(struct vfa_host *host, const char *device, const char *domain,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *reason = NULL;

    if (asprintf(&reason, "used once by domain '%s'", domain) < 0) {
        reason = NULL;
        return vfa_fail_oom(err);
    }
    return quarantine(host, device, VFA_QUARANTINE_ONCE, reason, err);
}

/* ---- released ---- */

static bool some_spec_names(const struct vfa_config *config, const char *cleaner)
{
    for (size_t i = 0; cleaner && i < config->n_specs; i++) {
        if (config->specs[i].clean && strcmp(config->specs[i].clean, cleaner) == 0)
            return true;
    }
    return false;
}

/* The cleaner of the claim counts if the device has lost its spec, but not if an administrator has
 * removed the cleaner from the configuration. */
static const char *cleaner_of(const struct vfa_host *host, const struct vfa_claim *claim,
                              const struct vfa_spec *now)
{
    if (now && now->clean)
        return now->clean;
    return some_spec_names(host->config, claim->cleaner) ? claim->cleaner : NULL;
}

static int keep_back(struct vfa_host *host, const struct vfa_claim *claim, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *reason = NULL;

    if (asprintf(
            &reason,
            "domain '%s' had it without a request, and it was not cleaned: 'vfalias quarantine "
            "remove --clean %s' does that",
            claim->domain, claim->device) < 0) {
        reason = NULL;
        return vfa_fail_oom(err);
    }
    return quarantine(host, claim->device, VFA_QUARANTINE_CLEAN, reason, err);
}

static int hand_to_cleaner(struct vfa_state *state, const struct vfa_claim *claim,
                           const char *cleaner, struct vfa_error *err)
{
    int r = vfa_state_set_cleaner(state, claim, cleaner, err);

    return r == 0 ? vfa_state_begin_cleaning(state, claim, err) : r;
}

static int released(struct vfa_host *host, const struct vfa_claim *claim, struct vfa_error *err)
{
    const struct vfa_spec *now;
    const char *cleaner;
    int r;

    if (strcmp(claim->uuid, VFA_NO_UUID) == 0) /* no domain had the device */
        return vfa_state_end_release(host->state, claim, err);
    r = spec_now(host, claim->device, &now, err);
    if (r < 0)
        return r;
    if (now && now->one_time_use)
        r = vfa_cleaning_burn(host, claim->device, claim->domain, err);
    cleaner = cleaner_of(host, claim, now);
    if (r == 0 && cleaner && vfa_claim_is_static(claim->request))
        r = keep_back(host, claim, err);
    else if (r == 0 && cleaner)
        return hand_to_cleaner(host->state, claim, cleaner, err);
    return r < 0 ? r : vfa_state_end_release(host->state, claim, err);
}

int vfa_cleaning_due(const struct vfa_host *host, const struct vfa_claim *claim, bool *ret,
                     struct vfa_error *err)
{
    const struct vfa_spec *now;
    int r = spec_now(host, claim->device, &now, err);

    *ret = r == 0 && (claim->cleaner || (now && (now->clean || now->one_time_use)));
    return r;
}

int vfa_cleaning_released(struct vfa_host *host, const struct vfa_claim *claim,
                          struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    r = released(host, claim, err);
    return vfa_state_finish(host->state, own, r, err);
}

/* ---- cleaned ---- */

/* Finds the claim on a device in the state cleaning. */
static int find_cleaning(struct vfa_state *state, const char *device, struct vfa_claim *ret,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    int r = vfa_state_ending(state, &ending, err);

    for (size_t i = 0; r == 0 && i < ending.n; i++) {
        struct vfa_claim *claim = &ending.items[i];

        if (claim->state != VFA_CLAIM_CLEANING || strcmp(claim->device, device) != 0)
            continue;
        *ret = *claim;
        memset(claim, 0, sizeof(*claim)); /* handed over */
        return 0;
    }
    return r < 0 ? r : VFA_STATE_ABSENT;
}

int vfa_cleaning_find(struct vfa_state *state, const char *device, struct vfa_claim *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    int r = find_cleaning(state, device, &claim, err);

    if (r != 0)
        return r;
    if (claim.error)
        return VFA_STATE_ABSENT;
    *ret = claim;
    memset(&claim, 0, sizeof(claim)); /* handed over */
    return 0;
}

static int end_once(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine there = {NULL, 0};
    int r = vfa_state_quarantined(state, device, &there, err);

    if (r < 0 || there.n == 0 || there.items[0].cause != VFA_QUARANTINE_ONCE)
        return r;
    r = vfa_state_end_quarantine(state, device, err);
    return r < 0 ? r : 0;
}

int vfa_cleaning_done(struct vfa_state *state, const struct vfa_claim *claim, struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = vfa_state_end_release(state, claim, err);
    if (r == 0)
        r = end_once(state, claim->device, err);
    return vfa_state_finish(state, own, r, err);
}

int vfa_cleaning_failed(struct vfa_state *state, const struct vfa_claim *claim, const char *reason,
                        struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = vfa_state_set_release_error(state, claim, reason, err);
    if (r == 0)
        r = vfa_state_quarantine(state, claim->device, VFA_QUARANTINE_CLEAN, reason, err);
    return vfa_state_finish(state, own, r, err);
}

/* ---- the end of a quarantine ---- */

/* Begins to clean a device as if its last owner had just lost it. VFA_STATE_TAKEN: the device is
 * claimed; VFA_STATE_ABSENT: it is gone. */
static int begin_cleaning(struct vfa_host *host, const char *device, const struct vfa_spec *spec,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    const struct vfa_kind *kind = vfa_kind_of(device);
    char none[] = "-", uuid[VFA_UUID_SIZE];
    struct vfa_keys keys;
    struct vfa_claim claim = {.device = (char *)device,
                              .keys = &keys,
                              .kind = kind ? (char *)kind->name : NULL,
                              .uuid = uuid,
                              .domain = none,
                              .request = none,
                              .state = VFA_CLAIM_CLEANING,
                              .cleaner = spec->clean};
    int r = vfa_kind_read(&host->sysfs, device, &dev, err);

    if (r != 0)
        return r < 0 ? r : VFA_STATE_ABSENT;
    vfa_keys_of_device(&dev, &keys);
    r = vfa_state_last_owner(host->state, device, uuid, err);
    return r < 0 ? r : vfa_state_claim(host->state, &claim, err);
}

/* The device, its PF or its IOMMU group is taken. */
static int refuse_taken(struct vfa_host *host, const char *device, bool must, struct vfa_error *err)
{
    bool claimed;
    int r = vfa_state_is_claimed(host->state, device, &claimed, err);

    if (r < 0 || (claimed && !must))
        return r;
    if (claimed)
        return vfa_fail(
            err, EBUSY,
            "cannot clean %s: it is in use, see 'vfalias claims'; it is cleaned when its domain has lost it",
            device);
    return vfa_fail(
        err, EBUSY,
        "cannot clean %s: its PF or another device of its IOMMU group is in use: try again later (see 'vfalias claims')",
        device);
}

static int clean_again(struct vfa_host *host, const char *device, bool must, struct vfa_error *err)
{
    const struct vfa_spec *spec;
    int r = spec_now(host, device, &spec, err);

    if (r < 0)
        return r;
    if (!spec || !spec->clean)
        return must ? vfa_fail(err, ENOENT,
                               "cannot clean %s: no device_spec names a cleaner for it", device)
                    : 0;
    r = begin_cleaning(host, device, spec, err);
    if (r == VFA_STATE_TAKEN)
        return refuse_taken(host, device, must, err);
    if (r == VFA_STATE_ABSENT && must)
        return vfa_fail(err, ENODEV, "cannot clean %s: it is gone", device);
    return r < 0 ? r : 0;
}

static int end_quarantine(struct vfa_host *host, const char *device, bool again, bool owed,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    int ended, r = ended = vfa_state_end_quarantine(host->state, device, err);

    if (r >= 0)
        r = find_cleaning(host->state, device, &claim, err);
    if (r == 0 && again)
        r = vfa_state_set_release_error(host->state, &claim, NULL, err);
    else if (r == 0 && claim.error)
        r = vfa_state_end_release(host->state, &claim, err);
    else if (r == VFA_STATE_ABSENT)
        r = ended == 0 && (again || owed) ? clean_again(host, device, again, err) : 0;
    return r ? r : ended;
}

int vfa_cleaning_end_quarantine(struct vfa_host *host, const char *device, bool again, bool owed,
                                struct vfa_error *err)
{
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    r = end_quarantine(host, device, again, owed, err);
    return vfa_state_finish(host->state, own, r, err);
}
