/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every PCI device of the host with all that could speak against giving it out, as it is now: a
 * scan, not the index. For those who explain; a hook never looks at more devices than it must.
 */
#ifndef VFA_CHOOSE_DEVICE_STATUS_H
#define VFA_CHOOSE_DEVICE_STATUS_H

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/tentative.h"
#include "choose.h"
#include "verdict.h"

struct vfa_device_finding {
    enum vfa_verdict drop;
    char *detail; /* what vfa_health_check() said, or NULL */
};

struct vfa_device_status {
    const struct vfa_device *dev;
    const struct vfa_spec *spec; /* the first that matches, or NULL */
    bool claimable;
    const struct vfa_claim *holder; /* as vfa_state_holder() has it, or NULL */
    const struct vfa_quarantined *quarantined;
    const struct vfa_quarantined *failure;          /* it could not be attached, or NULL */
    const struct vfa_tentative *tentative;          /* the first that it is so for, or NULL */
    struct vfa_device_finding use, pf, group, held; /* of a device that may be given out, and that
                                                   nobody holds itself or by its PF or VFs */
};

struct vfa_device_status_list {
    struct vfa_inventory *inv;
    struct vfa_claims claims;
    struct vfa_quarantine quarantine;
    struct vfa_tentatives tentative;
    struct vfa_quarantine failures;
    struct vfa_device_status *devices; /* by address */
    size_t n;
};

/* state NULL: no claims, no quarantine, nothing tentative. uuid: who asks; its own claims on other
 * devices of an IOMMU group are not in its way ("": nobody, so they are). Clear *ret with
 * vfa_device_status_clear(). */
int vfa_device_status_make(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                           struct vfa_state *state, const char *uuid,
                           struct vfa_device_status_list *ret, struct vfa_error *err);

/* Checks the devices of a scan that may be given out, and that nobody has. *ret, to be freed, is as
 * long as the inventory. Takes longer than the scan: not for hooks, and not in a transaction. */
int vfa_device_status_check(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                            struct vfa_state *state, const struct vfa_inventory *inv,
                            struct vfa_checked **ret, struct vfa_error *err);
void vfa_device_status_clear(struct vfa_device_status_list *list);

/* vfa_choose_judge() of it. */
enum vfa_verdict vfa_device_status_judge(const struct vfa_device_status *device,
                                         const struct vfa_criteria *criteria);

/* What a verdict means for this device, in a few words for a person: who has it, which netdev,
 * which member of the group. "" if the verdict says it all. free() it; NULL: out of memory. */
char *vfa_device_status_describe(const struct vfa_config *config,
                                 const struct vfa_device_status *device,
                                 const struct vfa_criteria *criteria, enum vfa_verdict verdict);

#endif
