/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink: the settings of VFs, by the netdev of their PF and their number, and what is set on a
 * netdev itself. One request, one answer; nothing is dumped, so no answer is ever of two minds.
 *
 * libnl-3 sends, receives and packs attributes. Its companion libnl-route knows VFs too, but can
 * leave out neither their counters, which overflow the answer of a PF with hundreds of VFs, nor
 * half of what goes together; and a hook pays for loading it.
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

/* A socket, closed on exec. */
int vfa_netlink_open(struct vfa_netlink **ret, struct vfa_error *err);
struct vfa_netlink *vfa_netlink_close(struct vfa_netlink *nl);
VFA_DEFINE_AUTO(struct vfa_netlink, vfa_netlink_close);

/* All that the PF's driver tells about a VF; what it does not tell is not given, nor is the MTU. 0,
 * VFA_NETLINK_GONE or an error. */
int vfa_netlink_read_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                        struct vfa_vf_settings *ret, struct vfa_error *err);

/* Sets the group of `setting` (vfa_vf_setting_group()) to what `values` has for it, 0 where it has
 * nothing. Where kernel or driver refuse, the result is their errno, and the error says "cannot set
 * trust of VF 3 of enp1s0: Operation not supported". */
int vfa_netlink_set_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                       enum vfa_vf_setting setting, const struct vfa_vf_settings *values,
                       struct vfa_error *err);

struct vfa_link {
    bool up;      /* an administrator has set it up */
    bool running; /* it is up, and has a link */
    uint32_t mtu; /* bytes */
};

/* A netdev itself. 0, VFA_NETLINK_GONE or an error. */
int vfa_netlink_read_link(struct vfa_netlink *nl, const char *netdev, struct vfa_link *ret,
                          struct vfa_error *err);
int vfa_netlink_set_up(struct vfa_netlink *nl, const char *netdev, bool up, struct vfa_error *err);
int vfa_netlink_set_mtu(struct vfa_netlink *nl, const char *netdev, uint32_t mtu,
                        struct vfa_error *err);

#endif
