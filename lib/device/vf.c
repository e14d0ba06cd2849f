/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See vf.h. */

#include "vf.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device.h"
#include "netdev.h"
#include "netlink.h"
#include "pci.h"
#include "sysfs.h"
#include "vf-settings.h"

#include <errno.h>
#include <string.h>

static int report_no_vf(struct vfa_error *err, int code, const char *address, const char *why)
{
    vfa_fail(err, code, "%s is no VF of a network card: %s", address, why);
    return VFA_VF_NONE;
}

/* The kernel numbers virtfnN without gaps. */
int vfa_vf_number(int pf_fd, const char *address, unsigned *ret)
{
    for (unsigned i = 0;; i++) {
        char link[sizeof("virtfn") + 10], target[VFA_PCI_ADDR_SIZE];
        int r;

        snprintf(link, sizeof(link), "virtfn%u", i);
        r = vfa_sysfs_link(pf_fd, link, target, sizeof(target));
        if (r != 0)
            return r;
        if (strcmp(target, address) != 0)
            continue;
        *ret = i;
        return 0;
    }
}

static int locate_in_pf(int fd, const char *address, struct vfa_vf *vf, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int pf_fd = vfa_sysfs_opendir(fd, "physfn");
    uint32_t class;
    int r = vfa_sysfs_read_hex(fd, "class", &class);

    if (r == 0 && class >> 16 != VFA_CLASS_NETWORK)
        return report_no_vf(err, ENODEV, address, "its class is not that of a network card");
    if (r == 0 && pf_fd < 0)
        return report_no_vf(err, ENODEV, address, "it has no PF");
    if (r == 0)
        r = vfa_vf_number(pf_fd, address, &vf->number);
    if (r < 0)
        return vfa_fail(err, -r, "cannot read device '%s': %s", address, strerror(-r));
    if (r == 0 && vfa_netdev_own(pf_fd, vf->pf, sizeof(vf->pf)) != 0) {
        vf->pf[0] = '\0';
        return report_no_vf(err, EAGAIN, address, "its PF has no netdev here");
    }
    return r;
}

int vfa_vf_locate(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                  struct vfa_vf *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = vfa_pci_open(sysfs, addr);
    char address[VFA_PCI_ADDR_SIZE];
    struct vfa_vf vf = {.number = 0};
    int r;

    if (fd < 0)
        return VFA_SYSFS_GONE;
    if (vfa_netdev_own(fd, vf.netdev, sizeof(vf.netdev)) != 0)
        vf.netdev[0] = '\0';
    r = locate_in_pf(fd, vfa_pci_addr_format(addr, address), &vf, err);
    if (r == 0 || r == VFA_VF_NONE)
        *ret = vf;
    return r;
}

#define MLX4_VGT 4095 /* VLAN guest tagging */

/* A VF without a VLAN reports VLAN 0, but mlx4 reports 4095, which IEEE 802.1Q reserves. This turns
 * 4095 into VLAN 0 with QoS 0; QoS has no meaning without a VLAN. mlx4 takes these two values as
 * "no VLAN" (mlx4_set_vf_vlan() in the kernel's drivers/net/ethernet/mellanox/mlx4/cmd.c), so they
 * also restore the VF. */
static void normalise_no_vlan(struct vfa_vf_settings *settings)
{
    if (!vfa_vf_has(settings, VFA_VF_VLAN) || settings->values[VFA_VF_VLAN] != MLX4_VGT)
        return;
    vfa_vf_settings_put(settings, VFA_VF_VLAN, 0);
    vfa_vf_settings_put(settings, VFA_VF_VLAN_QOS, 0);
}

int vfa_vf_read(struct vfa_netlink *nl, const struct vfa_vf *vf, bool own_netdev,
                struct vfa_vf_settings *ret, bool *ret_up, struct vfa_error *err)
{
    struct vfa_link link;
    int r = vf->pf[0] ? vfa_netlink_read_vf(nl, vf->pf, vf->number, ret, err) : 0;

    if (r == 0)
        normalise_no_vlan(ret);
    if (r != 0 || !own_netdev || !vf->netdev[0])
        return r;
    r = vfa_netlink_read_link(nl, vf->netdev, &link, err);
    if (r == 0) {
        vfa_vf_settings_put(ret, VFA_VF_MTU, link.mtu);
        *ret_up = link.up;
    }
    return r;
}

int vfa_vf_set(struct vfa_netlink *nl, const struct vfa_vf *vf, enum vfa_vf_setting setting,
               const struct vfa_vf_settings *values, struct vfa_error *err)
{
    if (setting == VFA_VF_MTU)
        return vfa_netlink_set_mtu(nl, vf->netdev, values->values[setting], err);
    return vfa_netlink_set_vf(nl, vf->pf, vf->number, setting, values, err);
}
