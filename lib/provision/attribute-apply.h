/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the kind "pci" in the table of provisioner.h: writes the attributes below a device's folder
 * in sysfs that the alias wants (device/attributes.h). The functions are those of struct
 * vfa_step_functions (private.h).
 *
 * An attribute that is as wanted is not written: some files refuse redundant writes. An attribute
 * that cannot be read is refused, because it could not be set back. After a write the file must
 * show what was written: a driver may take a value and keep another one, as d3cold_allowed makes 1
 * of 5. A refusal is final with every settings_policy.
 */
#ifndef VFA_PROVISION_ATTRIBUTE_APPLY_H
#define VFA_PROVISION_ATTRIBUTE_APPLY_H

#include "base/common.h"
#include "base/error.h"

struct vfa_job;

bool vfa_attributes_is_wanted(const struct vfa_job *job);
int vfa_attributes_plan(struct vfa_job *job, struct vfa_error *err);

/* Files that refuse for now are written again until the patience of the job ends. */
int vfa_attributes_apply(struct vfa_job *job, struct vfa_error *err);

#endif
