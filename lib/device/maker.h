/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makers: things in the kernel that make devices on demand. Management devices make vDPA devices
 * (vdpa.h), parents make mediated devices (mdev.h). This header has what both have in common: the
 * results, names, and where a device is below the PCI functions.
 *
 * Device nodes are below ROOT/../dev, as /proc is ROOT/../proc in disk-use.h. So a made or copied
 * /sys has its own device nodes, or none.
 */
#ifndef VFA_DEVICE_MAKER_H
#define VFA_DEVICE_MAKER_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "sysfs.h"

/* Results of vdpa.h, vdpa-node.h and mdev.h that are no error. The functions fill *err with the
 * first three only. */
enum {
    VFA_MAKER_EXISTS = 1, /* not made: a device of this name exists, of this maker or another */
    VFA_MAKER_FULL,       /* not made: the maker can make no more until a device is destroyed */
    VFA_MAKER_OPEN,       /* not destroyed: a program has the device open */
    VFA_MAKER_GONE,       /* no such device or maker (any more) */
    VFA_MAKER_ABSENT,     /* the kernel has no vDPA, or the tree is not the sysfs of this host */
};

/* Names of devices, makers and types: so long that "mgmtdev:NAME" is at most 79 characters. */
#define VFA_MAKER_NAME_SIZE 72

/* The parent folder of device nodes, relative to the root of sysfs. */
#define VFA_MAKER_DEV "../dev"

/* Whether `name` can be one part of a path and of a device's identity: printable ASCII without
 * blank, quote, backslash and slash; not "." or ".."; not too long. Devices with other names are
 * ignored. */
bool vfa_maker_name_ok(const char *name);

/* Fills *err as vfa_fail() does, and returns `result`. */
int vfa_maker_refuse(int result, struct vfa_error *err, int code, const char *fmt, ...)
    VFA_PRINTF(4, 5);

/* Writes a text to an attribute below dirfd. Returns 0, VFA_SYSFS_GONE (no such file) or the
 * kernel's negative errno. It takes as long as the kernel does: see child.h. */
int vfa_maker_write(int dirfd, const char *path, const char *text);

/* Finds the PCI function that the link to a device's folder ("bus/vdpa/devices/vdpa0") leads
 * through: the device itself, or the nearest above it. VFA_SYSFS_GONE: no such link, or the device
 * stands on no PCI function. */
int vfa_maker_function(const struct vfa_sysfs *sysfs, const char *link, struct vfa_pci_addr *ret);

#endif
