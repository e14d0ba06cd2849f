/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The status of every PCI device of the host: each reason not to give it out, as found by a scan of
 * sysfs, not from the index. For commands that explain; hooks do not scan.
 */
#ifndef VFA_CHOOSE_DEVICE_STATUS_H
#define VFA_CHOOSE_DEVICE_STATUS_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "state/tentative.h"
#include "choose.h"
#include "verdict.h"

struct vfa_device_finding {
    enum vfa_verdict verdict;
    char *detail; /* from vfa_health_check(), or NULL */
};

struct vfa_device_status {
    const struct vfa_device *dev;
    const struct vfa_spec *spec; /* the first that matches, or NULL */
    bool claimable;
    unsigned slots;                 /* vfa_spec_slots(), or fewer: state/full.h */
    unsigned used;                  /* how many of them claims have; of a maker only */
    const struct vfa_claim *holder; /* the claim that vfa_state_holder() finds, or NULL */
    const char *key;                /* the key in conflict with it, or NULL */
    const struct vfa_quarantined *quarantined; /* or NULL */
    const struct vfa_quarantined *failure;     /* why its last attach failed, or NULL */
    const struct vfa_tentative *tentative;     /* its first tentative assignment, or NULL */
    /* Checked only for a claimable device without a claim on itself, its PF or its VFs. */
    struct vfa_device_finding use, pf, group, held;
    bool vfio; /* likewise */
};

struct vfa_device_status_list {
    struct vfa_inventory *inv;
    struct vfa_claims claims;
    struct vfa_held_keys held;
    struct vfa_quarantine quarantine;
    struct vfa_tentatives tentative;
    struct vfa_quarantine failures;
    struct vfa_device_status *devices; /* by identity */
    size_t n;
};

/* state may be NULL: no claims, quarantine, failures or tentative assignments. uuid: the domain
 * whose own claims on other devices of an IOMMU group do not count; "": every claim counts. Clear
 * *ret with vfa_device_status_clear(). */
int vfa_device_status_make(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                           struct vfa_state *state, const char *uuid,
                           struct vfa_device_status_list *ret, struct vfa_error *err);

/* Checks the claimable devices of a scan that are not claimed. *ret has one element for each device
 * of the inventory; free() it. Slower than the scan: do not call it in a hook or a transaction. */
int vfa_device_status_check(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                            struct vfa_state *state, const struct vfa_inventory *inv,
                            struct vfa_checked **ret, struct vfa_error *err);
void vfa_device_status_clear(struct vfa_device_status_list *list);

/* vfa_choose_judge() for this device. */
enum vfa_verdict vfa_device_status_judge(const struct vfa_device_status *device,
                                         const struct vfa_criteria *criteria);

/* The details of a verdict for this device, in a few words: the domain that has it, the netdev, the
 * member of the group. "" if there are none. free() it; NULL: out of memory. */
char *vfa_device_status_describe(const struct vfa_config *config,
                                 const struct vfa_device_status *device,
                                 const struct vfa_criteria *criteria, enum vfa_verdict verdict);

#endif
