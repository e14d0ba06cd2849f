/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See vf-apply.h: the way back. What is as it was is left alone: a driver may refuse to be told. */
#include "vf-apply.h"

#include "netlink.h"
#include "vf.h"

#include <errno.h>

/* All that can be, even if something cannot. */
static int set_back(struct vfa_netlink *nl, const struct vfa_vf *vf, const struct vfa_saved *saved,
                    const struct vfa_vf_settings *now, struct vfa_error *err)
{
    unsigned left = saved->settings.given;
    int result = 0;

    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (!(left & now->given & 1u << i) || saved->settings.values[i] == now->values[i])
            continue; /* without a netdev there is no MTU */
        left &= ~vfa_vf_setting_group((enum vfa_vf_setting)i);
        if (vfa_vf_set(nl, vf, (enum vfa_vf_setting)i, &saved->settings, &why) >= 0 || result)
            continue;
        result = vfa_fail(err, EIO, "%s", vfa_error_text(&why));
    }
    return result;
}

static int undo(struct vfa_netlink *nl, const struct vfa_vf *vf, const struct vfa_saved *saved,
                struct vfa_error *err)
{
    bool own_netdev = saved->up != VFA_SAVED_NONE || vfa_vf_has(&saved->settings, VFA_VF_MTU);
    struct vfa_vf_settings now = {0};
    bool up = false;
    int r = vfa_vf_read(nl, vf, own_netdev, &now, &up, err);

    if (r != 0)
        return r;
    r = set_back(nl, vf, saved, &now, err);
    if (r == 0 && up && saved->up == VFA_SAVED_NO)
        r = vfa_netlink_set_up(nl, vf->netdev, false, err);
    return r;
}

int vfa_vf_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                const struct vfa_saved *saved, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_pci_addr addr;
    struct vfa_vf vf = {.number = 0};
    int r = vfa_parse_pci_addr(saved->device, &addr);

    if (r < 0)
        vfa_fail(&why, EINVAL, "'%s' is not a PCI device", saved->device);
    else if (saved->unreadable)
        r = vfa_fail(&why, EINVAL, "what they were cannot be read: %s", saved->unreadable);
    else
        r = vfa_vf_locate(sysfs, &addr, &vf, &why);
    if (r == VFA_VF_NONE && !(saved->settings.given & ~VFA_VF_OF_NETDEV))
        r = 0;
    if (r == 0)
        r = undo(nl, &vf, saved, &why);
    if (r >= 0 && r != VFA_VF_NONE)
        return 0;
    vfa_fail(err, why.code, "%s", vfa_error_text(&why));
    return VFA_VF_REFUSED;
}
