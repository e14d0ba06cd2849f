/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which network interface of a PCI function is the function's own.
 *
 * A function may have several interfaces: the ports of a card that has one function for all ports
 * (cxgb4, mlx4), and, in switchdev mode, the representors of its VFs and subfunctions. A
 * representor is the switch side of a guest's interface. VF settings, `devname` and macvtaps refer
 * to the function's own interface.
 *
 * Sources: Documentation/networking/switchdev.rst and Documentation/networking/representors.rst of
 * the kernel for the names of ports; libvirt's virPCIGetNetName() and VIR_PF_PHYS_PORT_NAME_REGEX
 * (src/util/virpci.c, virpci.h), so that libvirt and vfalias choose the same interface.
 */
#ifndef VFA_DEVICE_NETDEV_H
#define VFA_DEVICE_NETDEV_H

#include "base/common.h"

#include <stdbool.h>
#include <stddef.h>

/* Kinds of interfaces, by phys_port_name. */
enum vfa_port_kind {
    VFA_PORT_UPLINK,      /* "p0", "p0s1", or no name: most drivers give none */
    VFA_PORT_OTHER,       /* any other name, such as "pf0" of nfp */
    VFA_PORT_REPRESENTOR, /* of a VF, a subfunction or a host's PF: "pf0vf1", "c1pf0sf88" */
};
enum vfa_port_kind vfa_netdev_port_kind(const char *phys_port_name);

/* Finds the own interface of the function with the sysfs folder dirfd: the first uplink by name,
 * else the first other interface, never a representor. Returns 0, VFA_SYSFS_GONE (no interface in
 * this network namespace) or a negative errno. */
int vfa_netdev_own(int dirfd, char *ret, size_t size);

/* Whether the kernel allows this name for a netdev. */
bool vfa_netdev_name_ok(const char *name);

#endif
