/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the kind "pci" in the table of provisioner.h: gives a VF the settings that alias and request
 * want. The functions are those of struct vfa_step_functions (private.h).
 *
 * When a driver answers EAGAIN or EBUSY, the request is repeated for VFA_PROVISIONER_PATIENCE_MS.
 * The same holds when the kernel does not find a VF that sysfs has.
 */
#ifndef VFA_PROVISION_VF_APPLY_H
#define VFA_PROVISION_VF_APPLY_H

#include "base/common.h"
#include "base/error.h"

struct vfa_job;

/* Before the attach: every setting that differs from what is wanted. */
bool vfa_vf_is_wanted(const struct vfa_job *job);
int vfa_vf_plan(struct vfa_job *job, struct vfa_error *err);
int vfa_vf_apply(struct vfa_job *job, struct vfa_error *err);

/* After the attach. When libvirt attaches an interface, it sets the VLAN: the number in the element
 * (none: 0), QoS 0 and 802.1Q. These functions set the wanted VLAN again, but keep a number other
 * than 0 that libvirt set. */
bool vfa_vf_is_vlan_wanted(const struct vfa_job *job);
int vfa_vf_plan_vlan(struct vfa_job *job, struct vfa_error *err);
int vfa_vf_apply_vlan(struct vfa_job *job, struct vfa_error *err);

#endif
