/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The side of a vDPA device in sysfs and /dev: its driver, the node that QEMU opens, the PCI
 * function it stands on; and deleting it.
 *
 * What the kernel does (drivers/vdpa/vdpa.c, drivers/vhost/vdpa.c, drivers/base/dd.c; kernel 6.1
 * and 6.12 do the same):
 *
 * - DEV_DEL holds vdpa_dev_lock, and the lock of generic netlink, and removes the device. That
 *   unbinds the driver. vhost_vdpa_remove() first removes the node, so nobody can open it any more,
 *   then waits in state D until the program that has it open closes it. All vDPA requests of the
 *   host wait meanwhile, and most other families of generic netlink.
 * - One program at a time can have the node open; open() by another fails with EBUSY. open() and
 *   close() reset the device.
 * - To write the name to the driver's file "unbind" calls the same vhost_vdpa_remove(), but holds
 *   the lock of this one device only.
 *
 * So vfa_vdpa_delete() opens the node and closes it, which is the check; unbinds vhost_vdpa; and
 * sends DEV_DEL when the unbind has returned. The device has no node then, and nothing can make
 * DEV_DEL wait. The unbind follows the close at once; if a program opens the node in between, only
 * the unbind waits, in a child of its own, until that program ends. The device has no driver
 * afterwards, and the next call deletes it.
 *
 * The unbind is always written, even if no driver is shown: the link "driver" vanishes before an
 * unbind waits. A second unbind waits for the first; without a driver it fails at once (ENODEV).
 *
 * Not chosen: DEV_DEL while holding the node open, which waits for its own caller. Holding the node
 * open until the unbind of another process has removed it closes the gap above, too, but needs a
 * second process, for an opener that no claim allows.
 */
#ifndef VFA_DEVICE_VDPA_NODE_H
#define VFA_DEVICE_VDPA_NODE_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "maker.h"
#include "sysfs.h"

#define VFA_VDPA_NODE_SIZE 24

struct vfa_vdpa_node {
    char driver[32];               /* "vhost_vdpa", "virtio_vdpa"; "": none */
    char node[VFA_VDPA_NODE_SIZE]; /* "vhost-vdpa-3", below /dev; "": none */
    bool has_function;
    struct vfa_pci_addr function; /* the PCI function it stands on; if has_function */
};

/* Reads sysfs. Returns 0, VFA_MAKER_GONE (no such device) or an error. */
int vfa_vdpa_node(const struct vfa_sysfs *sysfs, const char *name, struct vfa_vdpa_node *ret,
                  struct vfa_error *err);

/* Binds a device to vhost_vdpa, and reads its node, which exists when the call returns. virtio_vdpa
 * takes new devices as well, if its module is loaded: the device is taken from it, and its
 * driver_override is set. Does nothing to a device that is bound to vhost_vdpa already. Returns 0,
 * VFA_MAKER_GONE, VFA_MAKER_ABSENT or an error. */
int vfa_vdpa_bind(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                  struct vfa_vdpa_node *ret, struct vfa_error *err);

/* Whether a program has the node open. It opens the node for a moment: meanwhile a guest cannot
 * open it. So do not call it for a device that a guest is about to start with. Returns 0,
 * VFA_MAKER_OPEN, VFA_MAKER_GONE, VFA_MAKER_ABSENT or an error. */
int vfa_vdpa_check_open(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                        struct vfa_error *err);

/* Deletes a device that nobody has open. `limit_ms` is for each of its two steps. Returns 0,
 * VFA_MAKER_OPEN (nothing changed, or the unbind waits), VFA_MAKER_GONE, VFA_MAKER_ABSENT or an
 * error; -ETIMEDOUT: the kernel may delete it later. */
int vfa_vdpa_delete(const struct vfa_sysfs *sysfs, const char *name, unsigned limit_ms,
                    struct vfa_error *err);

#endif
