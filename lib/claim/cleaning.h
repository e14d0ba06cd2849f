/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to a device between two owners: `clean` and `one_time_use` of its device_spec.
 *
 * The transaction that claims a device of a spec with one_time_use also burns it, before the guest
 * can use it: the device goes into quarantine and stays there when its owner is gone. Nova does the
 * same with its `reserved` count (nova-specs, 2025.2, one-time-use-devices): a start that is
 * refused later does not undo it.
 *
 * A claim notes the cleaner of its device when it is made. When the owner has lost the device and
 * its settings are restored, the claim is in the state cleaning until the cleaner has succeeded.
 * vfalias never cleans a device that it did not choose: a domain whose XML names its drive keeps
 * its data. Such a device goes into quarantine instead.
 */
#ifndef VFA_CLAIM_CLEANING_H
#define VFA_CLAIM_CLEANING_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"

/* The spec of a device as sysfs has it. NULL in *ret, at no cost, if no spec has one of the two
 * keys. Borrowed from the configuration. */
int vfa_cleaning_spec(const struct vfa_host *host, const struct vfa_device *dev,
                      const struct vfa_spec **ret, struct vfa_error *err);

/* Puts a device that a domain has just claimed into quarantine. An existing quarantine stays. */
int vfa_cleaning_burn(struct vfa_host *host, const char *device, const char *domain,
                      struct vfa_error *err);

/* True in *ret if a claim that ends has to go through vfa_cleaning_released(). */
int vfa_cleaning_due(const struct vfa_host *host, const struct vfa_claim *claim, bool *ret,
                     struct vfa_error *err);

/* The last step of a release: ends the claim, which must be unchanged, or begins the cleaning of
 * its device. VFA_STATE_ABSENT as for vfa_state_end_release(). */
int vfa_cleaning_released(struct vfa_host *host, const struct vfa_claim *claim,
                          struct vfa_error *err);

/* The claim of a device that has to be cleaned now; vfa_claim_clear() it. VFA_STATE_ABSENT: the
 * device has not to be cleaned, or its cleaner has failed and an administrator has to act. */
int vfa_cleaning_find(struct vfa_state *state, const char *device, struct vfa_claim *ret,
                      struct vfa_error *err);

/* The cleaner has succeeded: the device is free, also if it was burned. A quarantine for another
 * reason stays. VFA_STATE_ABSENT: the claim has changed. */
int vfa_cleaning_done(struct vfa_state *state, const struct vfa_claim *claim,
                      struct vfa_error *err);

/* The cleaner has failed: puts the device into quarantine. The claim stays: it tells the last
 * owner. */
int vfa_cleaning_failed(struct vfa_state *state, const struct vfa_claim *claim, const char *reason,
                        struct vfa_error *err);

/* Ends a quarantine for an administrator. `again`: the cleaner runs again before the device is
 * free; else the device is free at once. `owed`: the settings were not restored when the last owner
 * lost the device, so the cleaner has not run; it runs now, if there is one. If it cannot begin
 * because the PF or the IOMMU group is taken, that is an error, and the device stays in quarantine.
 * VFA_STATE_ABSENT: the device is not in quarantine. */
int vfa_cleaning_end_quarantine(struct vfa_host *host, const char *device, bool again, bool owed,
                                struct vfa_error *err);

#endif
