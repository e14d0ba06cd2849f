/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which network interface of a PCI function is the function's own.
 *
 * A function may have several: the ports of a card with one function for all of them (cxgb4, mlx4),
 * and, in switchdev mode, the representors of its VFs and subfunctions, which stand for the other
 * end of a guest's cable. VF settings, `devname` and macvtaps mean the function's own interface.
 *
 * Sources: Documentation/networking/switchdev.rst and Documentation/networking/representors.rst of
 * the kernel for the names of ports; libvirt's virPCIGetNetName() and VIR_PF_PHYS_PORT_NAME_REGEX
 * (src/util/virpci.c, virpci.h), so that libvirt and vfalias take the same interface.
 */
#ifndef VFA_DEVICE_NETDEV_H
#define VFA_DEVICE_NETDEV_H

#include "base/common.h"

#include <stdbool.h>
#include <stddef.h>

/* What phys_port_name says of an interface. */
enum vfa_port_kind {
    VFA_PORT_UPLINK,      /* "p0", "p0s1", or the driver gives no name: most do not */
    VFA_PORT_OTHER,       /* a name that is none of the two, as "pf0" of nfp */
    VFA_PORT_REPRESENTOR, /* of a VF, a subfunction or a PF of another host: "pf0vf1", "c1pf0sf88"
                           */
};
enum vfa_port_kind vfa_netdev_port_kind(const char *phys_port_name);

/* The function's own interface, by its sysfs folder: of several the first by name, uplinks first,
 * never a representor. 0, VFA_SYSFS_GONE (it has none here) or a negative errno. */
int vfa_netdev_own(int dirfd, char *ret, size_t size);

#endif
