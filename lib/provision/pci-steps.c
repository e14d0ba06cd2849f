/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pci-steps.h. A part that wants nothing, or has nothing saved, does not read the device. */

#include "pci-steps.h"

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "state/saved.h"
#include "attribute-apply.h"
#include "attribute-undo.h"
#include "private.h"
#include "provisioner.h"
#include "vf-apply.h"
#include "vf-undo.h"

#include <errno.h>

bool vfa_pci_is_wanted(const struct vfa_job *job)
{
    return vfa_vf_is_wanted(job) || vfa_attributes_is_wanted(job);
}

int vfa_pci_plan(struct vfa_job *job, struct vfa_error *err)
{
    int r = vfa_vf_is_wanted(job) ? vfa_vf_plan(job, err) : 0;

    return r == 0 && vfa_attributes_is_wanted(job) ? vfa_attributes_plan(job, err) : r;
}

int vfa_pci_apply(struct vfa_job *job, struct vfa_error *err)
{
    int r = vfa_vf_is_wanted(job) ? vfa_vf_apply(job, err) : 0;

    return r == 0 && vfa_attributes_is_wanted(job) ? vfa_attributes_apply(job, err) : r;
}

static int undo_vf(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                   const struct vfa_saved *saved, struct vfa_error *err)
{
    return vfa_saved_has_vf(saved) ? vfa_vf_undo(sysfs, nl, saved, err) : 0;
}

int vfa_pci_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                 const struct vfa_saved *saved, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int vf, attributes;

    if (saved->unreadable)
        return vfa_refuse(err, EINVAL, "the saved settings cannot be read: %s", saved->unreadable);
    attributes = vfa_attributes_undo(sysfs, saved, err);
    vf = undo_vf(sysfs, nl, saved, &why);
    if (vf == 0 || (attributes != 0 && vf != VFA_VF_REFUSED))
        return attributes;
    vfa_error_clear(err);
    vfa_error_move(err, &why);
    return vf;
}
