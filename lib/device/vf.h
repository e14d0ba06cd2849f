/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VF of a network card as its PF's driver knows it, by number: which one a device is, what it
 * is set to, and setting it. Documented in Documentation/ABI/testing/sysfs-bus-pci of the kernel
 * (physfn, virtfnN).
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
    VFA_VF_NONE = 2, /* no VF of a network card, or (EAGAIN) its PF has no netdev here, as while it
                        is reset or reloaded; err says what */
};

struct vfa_vf {
    char pf[IF_NAMESIZE];     /* netdev of its PF; "" with VFA_VF_NONE */
    unsigned number;          /* N of the PF's link virtfnN */
    char netdev[IF_NAMESIZE]; /* its own, while a driver of the host has it; else "" */
};

/* N of the link virtfnN in the folder of a PF that leads to a VF. 0, VFA_SYSFS_GONE (it has no
 * such) or a negative errno. */
int vfa_vf_number(int pf_fd, const char *address, unsigned *ret);

/* 0, VFA_VF_NONE, VFA_SYSFS_GONE or an error; *ret is written in the first two cases. */
int vfa_vf_locate(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                  struct vfa_vf *ret, struct vfa_error *err);

/* Settings of the device's own netdev; the others are the PF's to set. */
#define VFA_VF_OF_NETDEV (1u << VFA_VF_MTU)

/* What it is set to, as far as its driver tells; with own_netdev also that of its netdev and
 * whether that is up, if it has one. 0, VFA_NETLINK_GONE or an error. */
int vfa_vf_read(struct vfa_netlink *nl, const struct vfa_vf *vf, bool own_netdev,
                struct vfa_vf_settings *ret, bool *ret_up, struct vfa_error *err);

/* As vfa_netlink_set_vf(), and the MTU of its netdev. */
int vfa_vf_set(struct vfa_netlink *nl, const struct vfa_vf *vf, enum vfa_vf_setting setting,
               const struct vfa_vf_settings *values, struct vfa_error *err);

#endif
