/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mediated devices, and the parents that make them: vGPUs, and the kernel's samples mtty and mdpy.
 * A parent has types; each type can make available_instances devices. A device that is made takes
 * from the other types of its parent, too. So that number is read each time, never remembered.
 *
 * What the kernel does (drivers/vfio/mdev, drivers/vfio; kernel 6.1 and 6.12 do the same):
 *
 * - "create" gives EEXIST if any parent has a device with this UUID; ENOSPC or EUSERS if the parent
 *   is full, which depends on the driver; ENODEV if the parent is going away.
 * - "remove" of a device that a program has open asks that program to give it up: QEMU unplugs it
 *   from the running guest. Then it waits, in state D after the first signal, until the program
 *   closes it. Meanwhile the device has vanished from /sys/bus/mdev, but "create" still gives EEXIST
 *   for its UUID, and its place is not available.
 * - A removal waits for open files of the device, not for the open file of its IOMMU group. One
 *   program at a time can have the group open (EBUSY for others), files of the device keep the
 *   group open, and while it is open the device cannot be bound to an iommufd either.
 *
 * So vfa_mdev_remove() opens the group, which is the check; holds it open while it removes the
 * device, so that nobody can open the device in between; and does that in a child with a time limit
 * (child.h). Not detected: a program that has opened /dev/vfio/devices/vfioN without binding it to
 * an iommufd yet; and any program on a kernel without CONFIG_VFIO_GROUP (no /sys/class/vfio/N).
 *
 * Source: Documentation/driver-api/vfio-mediated-device.rst.
 */
#ifndef VFA_DEVICE_MDEV_H
#define VFA_DEVICE_MDEV_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "maker.h"
#include "sysfs.h"

struct vfa_mdev_type {
    char parent[VFA_MAKER_NAME_SIZE]; /* "mtty", "0000:65:00.0" */
    char type[VFA_MAKER_NAME_SIZE];   /* "mtty-2", "nvidia-63" */
    char name[VFA_MAKER_NAME_SIZE];   /* for people: "GRID P40-1B"; truncated; "": none */
    char api[32];                     /* "vfio-pci" */
    uint32_t available;               /* how many devices it can make now */
    bool has_function;
    struct vfa_pci_addr function; /* the parent, or the nearest above it; if has_function */
};

struct vfa_mdev_types {
    struct vfa_mdev_type *items;
    size_t n;
};

/* Reads the types of all parents, in no order. Free *ret with vfa_mdev_types_clear(). A host without
 * parents has none. Parents and types that vanish meanwhile are left out. */
int vfa_mdev_types(const struct vfa_sysfs *sysfs, struct vfa_mdev_types *ret,
                   struct vfa_error *err);
void vfa_mdev_types_clear(struct vfa_mdev_types *types);

/* Reads one type of one parent. Returns 0, VFA_MAKER_GONE or an error. */
int vfa_mdev_read_type(const struct vfa_sysfs *sysfs, const char *parent, const char *type,
                       struct vfa_mdev_type *ret, struct vfa_error *err);

struct vfa_mdev {
    char uuid[VFA_UUID_SIZE]; /* lower case */
    char parent[VFA_MAKER_NAME_SIZE];
    char type[VFA_MAKER_NAME_SIZE];
    int iommu_group; /* -1: none */
    bool has_function;
    struct vfa_pci_addr function; /* as in struct vfa_mdev_type */
};

struct vfa_mdevs {
    struct vfa_mdev *items;
    size_t n;
};

/* Reads all devices, in no order. Free *ret with vfa_mdevs_clear(). */
int vfa_mdevs(const struct vfa_sysfs *sysfs, struct vfa_mdevs *ret, struct vfa_error *err);
void vfa_mdevs_clear(struct vfa_mdevs *mdevs);

/* Reads one device. Returns 0, VFA_MAKER_GONE or an error. The UUID may be in upper case. */
int vfa_mdev_read(const struct vfa_sysfs *sysfs, const char *uuid, struct vfa_mdev *ret,
                  struct vfa_error *err);

/* Makes a device. Returns 0, VFA_MAKER_EXISTS, VFA_MAKER_FULL, VFA_MAKER_GONE (no such parent or
 * type), VFA_MAKER_ABSENT (the tree is not the sysfs of this host) or an error; -ETIMEDOUT: the
 * kernel may make it later. */
int vfa_mdev_create(const struct vfa_sysfs *sysfs, const char *parent, const char *type,
                    const char *uuid, unsigned limit_ms, struct vfa_error *err);

/* Whether a program has the device open. It opens the IOMMU group for a moment: meanwhile a guest
 * cannot open it. So do not call it for a device that a guest is about to start with. Returns 0,
 * VFA_MAKER_OPEN, VFA_MAKER_GONE, VFA_MAKER_ABSENT or an error. */
int vfa_mdev_check_open(const struct vfa_sysfs *sysfs, const char *uuid, unsigned limit_ms,
                        struct vfa_error *err);

/* Removes a device that nobody has open. Same return values; -ETIMEDOUT: the kernel may remove it
 * later. VFA_MAKER_GONE also if an earlier removal still waits. */
int vfa_mdev_remove(const struct vfa_sysfs *sysfs, const char *uuid, unsigned limit_ms,
                    struct vfa_error *err);

#endif
