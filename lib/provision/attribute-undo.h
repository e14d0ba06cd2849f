/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the kind "pci" in the table of provisioner.h: sets saved attributes back. */
#ifndef VFA_PROVISION_ATTRIBUTE_UNDO_H
#define VFA_PROVISION_ATTRIBUTE_UNDO_H

#include "base/error.h"
#include "device/sysfs.h"
#include "state/saved.h"

/* Sets back all attributes that can be set back, the last one first. 0 (also if the device is
 * gone), VFA_VF_NOT_YET, or VFA_VF_REFUSED: the row is not one of a PCI device. */
int vfa_attributes_undo(const struct vfa_sysfs *sysfs, const struct vfa_saved *saved,
                        struct vfa_error *err);

#endif
