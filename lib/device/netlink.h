/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink: reads and writes the settings of VFs, by the PF's netdev and the VF's number, and the
 * state and MTU of a netdev. Each call is one request and one reply. No dumps, so a reply is
 * consistent.
 *
 * libnl-3 sends, receives and packs attributes. libnl-route is not used: it cannot leave out the
 * counters of VFs, which overflow the reply of a PF with hundreds of VFs, nor a part of a group of
 * settings; and each hook would have to load it.
 *
 * Source: linux/if_link.h and rtnl_fill_vf(), do_setvfinfo() in net/core/rtnetlink.c of the kernel.
 */
#ifndef VFA_DEVICE_NETLINK_H
#define VFA_DEVICE_NETLINK_H

#include "base/common.h"
#include "base/error.h"
#include "vf-settings.h"

struct vfa_netlink;

enum {
    VFA_NETLINK_GONE = 1, /* no such netdev, or it has no such VF (any more) */
};

/* Opens a socket with SOCK_CLOEXEC. */
int vfa_netlink_open(struct vfa_netlink **ret, struct vfa_error *err);
struct vfa_netlink *vfa_netlink_close(struct vfa_netlink *nl);
VFA_DEFINE_AUTO(struct vfa_netlink, vfa_netlink_close);

/* Reads the settings of a VF that the PF's driver reports; the others are not given, nor is the
 * MTU. Returns 0, VFA_NETLINK_GONE or an error. */
int vfa_netlink_read_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                        struct vfa_vf_settings *ret, struct vfa_error *err);

/* Sets all settings in the group of `setting` (vfa_vf_setting_group()) to their `values`; a setting
 * that is not given becomes 0. If the kernel or the driver refuses, returns its negative errno and
 * the error reads "cannot set trust of VF 3 of enp1s0: Operation not supported". */
int vfa_netlink_set_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                       enum vfa_vf_setting setting, const struct vfa_vf_settings *values,
                       struct vfa_error *err);

struct vfa_link {
    bool up;      /* administratively up */
    bool running; /* up, with a link */
    uint32_t mtu; /* bytes */
};

/* Read and set a netdev itself. Return 0, VFA_NETLINK_GONE or an error. */
int vfa_netlink_read_link(struct vfa_netlink *nl, const char *netdev, struct vfa_link *ret,
                          struct vfa_error *err);
int vfa_netlink_set_up(struct vfa_netlink *nl, const char *netdev, bool up, struct vfa_error *err);
int vfa_netlink_set_mtu(struct vfa_netlink *nl, const char *netdev, uint32_t mtu,
                        struct vfa_error *err);

#endif
