/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kind "pci" in the table of provisioner.h, before the attach: the settings of a VF
 * (vf-apply.h), then the attributes of the device (attribute-apply.h). What was done last is undone
 * first. The functions are those of struct vfa_step_functions (private.h).
 */
#ifndef VFA_PROVISION_PCI_STEPS_H
#define VFA_PROVISION_PCI_STEPS_H

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "state/saved.h"

struct vfa_job;
struct vfa_netlink;

bool vfa_pci_is_wanted(const struct vfa_job *job);
int vfa_pci_plan(struct vfa_job *job, struct vfa_error *err);
int vfa_pci_apply(struct vfa_job *job, struct vfa_error *err);

/* See vfa_provisioner_undo(). If both parts fail, the result is the one that ends sooner:
 * VFA_VF_REFUSED, else VFA_VF_NOT_YET, else VFA_VF_NOT_NOW. */
int vfa_pci_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                 const struct vfa_saved *saved, struct vfa_error *err);

#endif
