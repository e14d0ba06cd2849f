/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the kind "pci" in the table of provisioner.h: restores the saved settings of a VF. */
#ifndef VFA_PROVISION_VF_UNDO_H
#define VFA_PROVISION_VF_UNDO_H

#include "base/error.h"
#include "device/sysfs.h"
#include "state/saved.h"

struct vfa_netlink;

/* See vfa_provisioner_undo(). `saved` is readable. */
int vfa_vf_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                const struct vfa_saved *saved, struct vfa_error *err);

#endif
