/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the VF of a claim what it was before a guest had it, and the result codes of that and of
 * vf-apply.h.
 */
#ifndef VFA_PROVISION_VF_UNDO_H
#define VFA_PROVISION_VF_UNDO_H

#include "base/error.h"
#include "device/sysfs.h"
#include "state/saved.h"

struct vfa_netlink;

enum {
    VFA_VF_REFUSED = VFA_REFUSED, /* err has the line for a person */
    VFA_VF_STALE = 2,             /* the claim is not there any more: nothing was set */
    VFA_VF_NOT_NOW = 3,           /* the driver refused for now; err has the line for a person */
};

/* Makes a device what it was: all of it that can be. 0 (also if the device is gone), VFA_VF_NOT_NOW
 * or VFA_VF_REFUSED; err has the driver's errno. */
int vfa_vf_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                const struct vfa_saved *saved, struct vfa_error *err);

#endif
