/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vf-undo.h. Unchanged settings are not written: some drivers reject redundant writes.
 *
 * Temporary refusals: while a VF resets, i40e returns EAGAIN and ice EBUSY. While the PF is down or
 * has no link, ixgbe (ixgbe_ndo_set_vf_bw()), bnxt and bnx2x (bnxt_vf_ndo_prep()) return EINVAL.
 * All other refusals are permanent.
 *
 * These drivers do not report a VF while the VF resets, and the kernel then omits the VF from the
 * attributes of the PF (rtnl_fill_vfinfo()). The kernel does not find a netdev that was just
 * renamed. So a VF is gone only if sysfs does not have it. A PF that is reset or reloaded
 * (devlink-reload(8)) has no netdev for some seconds: that is temporary, too.
 */

#include "vf-undo.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/netlink.h"
#include "device/sysfs.h"
#include "device/vf-settings.h"
#include "device/vf.h"
#include "state/saved.h"
#include "provisioner.h"

#include <errno.h>

/* ---- temporary and permanent refusals ---- */

static bool has_link(struct vfa_netlink *nl, const struct vfa_vf *vf)
{
    struct vfa_link link = {.running = true};

    return !vf->pf[0] || vfa_netlink_read_link(nl, vf->pf, &link, NULL) != 0 || link.running;
}

static bool is_temporary(struct vfa_netlink *nl, const struct vfa_vf *vf, int code)
{
    switch (code) {
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
        return true;
    case EINVAL:
    case ENETDOWN:
        return !has_link(nl, vf);
    default:
        return false;
    }
}

/* ---- restoring ---- */

struct undo {
    struct vfa_netlink *nl;
    const struct vfa_vf *vf;
    const struct vfa_saved *saved;
    bool missed; /* the kernel did not find the VF or its netdev */
    int result;  /* 0, VFA_VF_NOT_NOW or VFA_VF_REFUSED */
    struct vfa_error *err;
};

/* Keeps the first permanent refusal, or else the first refusal. Consumes *why. */
static void note_refusal(struct undo *u, struct vfa_error *why)
{
    bool temporary = is_temporary(u->nl, u->vf, why->code);

    if (u->result == 0 || (u->result == VFA_VF_NOT_NOW && !temporary)) {
        vfa_error_clear(u->err);
        vfa_error_move(u->err, why);
        u->result = temporary ? VFA_VF_NOT_NOW : VFA_VF_REFUSED;
    }
}

static void note_answer(struct undo *u, int answer, struct vfa_error *why)
{
    u->missed = u->missed || answer == VFA_NETLINK_GONE;
    if (answer < 0)
        note_refusal(u, why);
}

static void set_back(struct undo *u, const struct vfa_vf_settings *now)
{
    unsigned left = u->saved->settings.given;

    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (!(left & now->given & 1u << i) || u->saved->settings.values[i] == now->values[i])
            continue; /* now->given lacks the MTU of a VF without a netdev */
        left &= ~vfa_vf_setting_group((enum vfa_vf_setting)i);
        note_answer(u, vfa_vf_set(u->nl, u->vf, (enum vfa_vf_setting)i, &u->saved->settings, &why),
                    &why);
    }
}

static void restore_settings(struct undo *u)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    const struct vfa_saved *saved = u->saved;
    bool own_netdev = saved->up != VFA_SAVED_NONE || vfa_vf_has(&saved->settings, VFA_VF_MTU);
    struct vfa_vf_settings now = {0};
    bool up = false;
    int r = vfa_vf_read(u->nl, u->vf, own_netdev, &now, &up, &why);

    if (r == 0) {
        set_back(u, &now);
        if (u->result == 0 && up && saved->up == VFA_SAVED_NO)
            r = vfa_netlink_set_up(u->nl, u->vf->netdev, false, &why);
    }
    note_answer(u, r, &why);
}

/* If sysfs still has a device that the kernel did not find, the refusal is temporary. */
static void check_missed(struct undo *u, const struct vfa_sysfs *sysfs,
                         const struct vfa_pci_addr *addr)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_vf now;

    if (!u->missed || vfa_vf_locate(sysfs, addr, &now, NULL) == VFA_SYSFS_GONE)
        return;
    vfa_fail(&why, EAGAIN, "%s is there, but the kernel does not tell what its settings are",
             u->saved->device);
    note_refusal(u, &why);
}

/* 0, VFA_SYSFS_GONE, VFA_VF_NONE or an error. 0 also for a device that is no VF, if only settings of
 * its own netdev are saved. */
static int locate_saved(const struct vfa_sysfs *sysfs, const struct vfa_saved *saved,
                        struct vfa_pci_addr *ret_addr, struct vfa_vf *ret, struct vfa_error *err)
{
    int r;

    if (vfa_parse_pci_addr(saved->device, ret_addr) < 0)
        return vfa_fail(err, EINVAL, "'%s' is not a PCI device", saved->device);
    r = vfa_vf_locate(sysfs, ret_addr, ret, err);
    return r == VFA_VF_NONE && !(saved->settings.given & ~VFA_VF_OF_NETDEV) ? 0 : r;
}

int vfa_vf_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                const struct vfa_saved *saved, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT, refusal = VFA_ERROR_INIT;
    struct vfa_pci_addr addr;
    struct vfa_vf vf = {.number = 0};
    struct undo u = {.nl = nl, .vf = &vf, .saved = saved, .err = &refusal};
    int r = locate_saved(sysfs, saved, &addr, &vf, &why);

    if (r == VFA_SYSFS_GONE)
        return 0;
    if (r != 0) {
        int code = vfa_error_move(err, &why);

        return r == VFA_VF_NONE && code == -EAGAIN ? VFA_VF_NOT_NOW : VFA_VF_REFUSED;
    }
    restore_settings(&u);
    check_missed(&u, sysfs, &addr);
    if (u.result)
        vfa_error_move(err, &refusal);
    return u.result;
}
