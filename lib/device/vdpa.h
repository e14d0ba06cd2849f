/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vDPA devices and the management devices that make them, by the generic netlink family "vdpa".
 * vdpa-node.h has their side in sysfs and /dev, and deletes them.
 *
 * Each call makes one request, in a child (child.h, genl.h): one vDPA request that waits in the
 * kernel holds vdpa_dev_lock, which all others need. `limit_ms` is the time limit of a call. After
 * -ETIMEDOUT the kernel may still do what it was asked for, as soon as the lock is free: a device
 * may come into being minutes later, when nobody waits for it any more.
 *
 * The family exists in the first network namespace of the host only. A tree that is not the sysfs
 * of this host has no vDPA: the calls return VFA_MAKER_ABSENT.
 *
 * Sources: include/uapi/linux/vdpa.h and drivers/vdpa/vdpa.c of kernel 6.1 and 6.12; vdpa-dev(8).
 */
#ifndef VFA_DEVICE_VDPA_H
#define VFA_DEVICE_VDPA_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "maker.h"
#include "sysfs.h"

/* Device ids of the virtio specification. */
enum {
    VFA_VIRTIO_NET = 1,
    VFA_VIRTIO_BLOCK = 2,
};

struct vfa_vdpa_mgmtdev {
    char name[VFA_MAKER_NAME_SIZE]; /* "pci/0000:3b:00.2"; without a bus: "vdpasim_net" */
    uint64_t classes;               /* bit N: makes devices with virtio id N */
    uint64_t features;              /* virtio feature bits that it supports; 0: not reported */
    uint32_t max_vqs;               /* virtqueues of a device, at most; 0: not reported */
};

struct vfa_vdpa_mgmtdevs {
    struct vfa_vdpa_mgmtdev *items;
    size_t n;
};

/* Lists all management devices, in no order. Free *ret with vfa_vdpa_mgmtdevs_clear(). Returns 0,
 * VFA_MAKER_ABSENT with *ret untouched, or an error. How many devices a management device can have
 * is not reported by the kernel. */
int vfa_vdpa_mgmtdevs(const struct vfa_sysfs *sysfs, unsigned limit_ms,
                      struct vfa_vdpa_mgmtdevs *ret, struct vfa_error *err);
void vfa_vdpa_mgmtdevs_clear(struct vfa_vdpa_mgmtdevs *mgmtdevs);

/* Reads one management device. Returns 0, VFA_MAKER_GONE, VFA_MAKER_ABSENT or an error. */
int vfa_vdpa_read_mgmtdev(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                          struct vfa_vdpa_mgmtdev *ret, struct vfa_error *err);

/* Finds the PCI function that the management device is, or stands on (a subfunction). Reads sysfs
 * only. VFA_SYSFS_GONE: none, or no such management device. */
int vfa_vdpa_mgmtdev_function(const struct vfa_sysfs *sysfs, const char *name,
                              struct vfa_pci_addr *ret);

struct vfa_vdpa_device {
    char name[VFA_MAKER_NAME_SIZE];
    char mgmtdev[VFA_MAKER_NAME_SIZE];
    uint32_t id; /* VFA_VIRTIO_* */
    uint32_t max_vqs;
};

struct vfa_vdpa_devices {
    struct vfa_vdpa_device *items;
    size_t n;
};

/* Lists all devices, in no order. Free *ret with vfa_vdpa_devices_clear(). Same return values as
 * vfa_vdpa_mgmtdevs(). The kernel counts its way through the list: if devices are deleted meanwhile,
 * others may be missing. So ask for a device by name before you conclude that it does not exist. */
int vfa_vdpa_devices(const struct vfa_sysfs *sysfs, unsigned limit_ms, struct vfa_vdpa_devices *ret,
                     struct vfa_error *err);
void vfa_vdpa_devices_clear(struct vfa_vdpa_devices *devices);

/* Reads one device. Returns 0, VFA_MAKER_GONE, VFA_MAKER_ABSENT or an error. */
int vfa_vdpa_read(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                  struct vfa_vdpa_device *ret, struct vfa_error *err);

struct vfa_vdpa_wanted {
    const char *name;
    const char *mgmtdev;
    const char *mac;   /* "52:54:00:01:02:03"; NULL: the driver's choice */
    uint16_t max_vqp;  /* pairs of virtqueues; 0: the driver's choice */
    uint16_t mtu;      /* bytes, 68 or more; 0: the driver's choice */
    bool has_features; /* `features` is given */
    uint64_t features; /* virtio feature bits to offer */
};

/* Makes a device. Returns 0, VFA_MAKER_EXISTS, VFA_MAKER_FULL, VFA_MAKER_GONE (no such management
 * device), VFA_MAKER_ABSENT or an error with the kernel's errno: EOPNOTSUPP, the driver does not
 * take one of the settings, and the error names it; EINVAL, the features contradict the settings;
 * EPERM. With EEXIST the device may be anybody's. vfa_vdpa_bind() makes it usable. */
int vfa_vdpa_add(const struct vfa_sysfs *sysfs, const struct vfa_vdpa_wanted *wanted,
                 unsigned limit_ms, struct vfa_error *err);

#endif
