/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Before an attach: whether the claim is unchanged and its device exists. If the device is gone, or
 * cannot be made, the request gets another device.
 */
#ifndef VFA_VFALIASD_VERIFY_H
#define VFA_VFALIASD_VERIFY_H

#include "base/error.h"
#include "device/device.h"
#include "pass.h"
#include "plan.h"

enum vfa_verified {
    VFA_VERIFIED,
    VFA_VERIFIED_CHANGED, /* the request has another claim now */
};

/* Checks that the claim has not changed since it was read and that its device exists. The caller
 * clears *ret_device in any case. No transaction is open afterwards. -ENODEV: the device is gone, and
 * there is no other one for the request. */
int vfa_pass_verify_claim(struct vfa_pass *pass, const struct vfa_step *step,
                          struct vfa_device *ret_device, enum vfa_verified *ret,
                          struct vfa_error *err);

/* After VFA_VF_FULL: marks the maker as full, and claims a device of another maker. 0: the request
 * has another claim now. -ENODEV: no other maker can make one, and the claim stays. */
int vfa_pass_choose_other_maker(struct vfa_pass *pass, const struct vfa_step *step,
                                struct vfa_error *err);

#endif
