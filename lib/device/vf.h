/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VF of a network card by its number at the PF: finds the number of a device, reads and writes
 * the VF's settings. Source: Documentation/ABI/testing/sysfs-bus-pci of the kernel (physfn,
 * virtfnN).
 */
#ifndef VFA_DEVICE_VF_H
#define VFA_DEVICE_VF_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "netlink.h"
#include "sysfs.h"
#include "vf-settings.h"

#include <net/if.h>

enum {
    VFA_VF_NONE = 2, /* not a VF of a network card, or, with code EAGAIN, its PF has no netdev in
                        this namespace, for example during a reset; err has the reason */
};

struct vfa_vf {
    char pf[IF_NAMESIZE];     /* netdev of the PF; "" with VFA_VF_NONE */
    unsigned number;          /* N of the PF's link virtfnN */
    char netdev[IF_NAMESIZE]; /* of the VF itself, if a driver of the host makes one; else "" */
};

/* Finds N of the link virtfnN to the VF `address` in the sysfs folder pf_fd of the PF. Returns 0,
 * VFA_SYSFS_GONE (no such link) or a negative errno. */
int vfa_vf_number(int pf_fd, const char *address, unsigned *ret);

/* Finds the PF, number and netdev of a VF. Returns 0, VFA_VF_NONE, VFA_SYSFS_GONE or an error; *ret
 * is written in the first two cases. */
int vfa_vf_locate(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                  struct vfa_vf *ret, struct vfa_error *err);

/* Settings of the VF's own netdev, as bits. The PF sets the others. */
#define VFA_VF_OF_NETDEV (1u << VFA_VF_MTU)

/* Reads the settings that the driver reports. own_netdev: also reads the MTU of the VF's netdev, if
 * any, and into *ret_up whether it is up. Returns 0, VFA_NETLINK_GONE or an error. */
int vfa_vf_read(struct vfa_netlink *nl, const struct vfa_vf *vf, bool own_netdev,
                struct vfa_vf_settings *ret, bool *ret_up, struct vfa_error *err);

/* Like vfa_netlink_set_vf(), and for VFA_VF_MTU like vfa_netlink_set_mtu() on the VF's netdev. */
int vfa_vf_set(struct vfa_netlink *nl, const struct vfa_vf *vf, enum vfa_vf_setting setting,
               const struct vfa_vf_settings *values, struct vfa_error *err);

#endif
