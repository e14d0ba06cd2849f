/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between two owners of a device: what its device_spec says by `clean` and `one_time_use`.
 *
 * A device of a spec with one_time_use is burned in the transaction that claims it, before its
 * guest can run with it: it goes into quarantine then, and is there when its owner is gone. That is
 * what Nova does with its `reserved` count (nova-specs, 2025.2, one-time-use-devices), also in that
 * a start that is refused later does not take it back.
 *
 * A claim notes its device's cleaner when it is made. When its owner has lost the device and what
 * vfalias changed of it is put back, the claim is in the state cleaning until that program has
 * ended well. Never cleaned is what vfalias did not choose: a domain whose XML names its drive
 * keeps its data on it. Such a device goes into quarantine instead.
 */
#ifndef VFA_CLAIM_CLEANING_H
#define VFA_CLAIM_CLEANING_H

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"

/* The spec that counts for a device as sysfs has it; NULL in *ret where no spec has one of the two
 * keys, at no cost. Borrowed from the configuration. */
int vfa_cleaning_spec(const struct vfa_host *host, const struct vfa_device *dev,
                      const struct vfa_spec **ret, struct vfa_error *err);

/* Burns a device that a domain has just claimed. One that is in quarantine stays so. */
int vfa_cleaning_burn(struct vfa_host *host, const char *device, const char *domain,
                      struct vfa_error *err);

/* True in *ret if a claim that ends has to go through vfa_cleaning_released(). */
int vfa_cleaning_due(const struct vfa_host *host, const struct vfa_claim *claim, bool *ret,
                     struct vfa_error *err);

/* The last step of releasing: the claim, which is as it was read, goes, or its device is to be
 * cleaned first. VFA_STATE_ABSENT as for vfa_state_end_release(). */
int vfa_cleaning_released(struct vfa_host *host, const struct vfa_claim *claim,
                          struct vfa_error *err);

/* The claim by which a device is to be cleaned now; vfa_claim_clear() it. VFA_STATE_ABSENT: it is
 * not to be, or its cleaner has failed and an administrator has the say. */
int vfa_cleaning_find(struct vfa_state *state, const char *device, struct vfa_claim *ret,
                      struct vfa_error *err);

/* Its cleaner has ended well: the device is free, also if it was burned. It stays in quarantine if
 * it is there for another reason. VFA_STATE_ABSENT: the claim is another one by now. */
int vfa_cleaning_done(struct vfa_state *state, const struct vfa_claim *claim,
                      struct vfa_error *err);

/* Its cleaner has failed: quarantine. The claim stays, as it tells who had the device last. */
int vfa_cleaning_failed(struct vfa_state *state, const struct vfa_claim *claim, const char *reason,
                        struct vfa_error *err);

/* What ends a quarantine by hand. `again`: the cleaner runs (once more) before the device is free;
 * else it is free as it is. `owed`: its settings were not put back when its last owner lost it, so
 * its cleaner has not run yet, and runs now if there is one; where it cannot begin, as its PF or
 * its IOMMU group is taken, that is an error, and the device stays in quarantine. VFA_STATE_ABSENT:
 * it is not in quarantine. */
int vfa_cleaning_end_quarantine(struct vfa_host *host, const char *device, bool again, bool owed,
                                struct vfa_error *err);

#endif
