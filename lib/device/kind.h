/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kinds of devices: what there is on the host. One row of a table for each kind; the rooms
 * above ask for a device by its identity and name no kind.
 *
 * A kind has two more rows: how it is written in domain XML (domain/element-kind.h), and what is
 * done to a device for a guest (provision/provisioner.h).
 */
#ifndef VFA_DEVICE_KIND_H
#define VFA_DEVICE_KIND_H

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "sysfs.h"

#define VFA_KIND_PCI    "pci"
#define VFA_KIND_VDPA   "vdpa"
#define VFA_KIND_MDEV   "mdev"
#define VFA_KIND_BRIDGE "bridge"

struct vfa_kind {
    const char *name; /* claim.kind in the state file and "kind" in JSON */

    /* Whether the text is an identity of this kind: of a device, or of a maker. */
    bool (*has_id)(const char *id);

    /* Adds all devices of the kind. Leaves out devices that vanish meanwhile. */
    int (*scan)(const struct vfa_sysfs *sysfs, struct vfa_device_list *list, struct vfa_error *err);

    /* See vfa_kind_read() and vfa_kind_check(). */
    int (*read)(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                struct vfa_error *err);
    int (*check)(struct vfa_health_context *health_context, const struct vfa_device *dev,
                 struct vfa_health *ret, struct vfa_error *err);

    /* See vfa_kind_read_again(). NULL: `read` never waits. */
    int (*read_again)(const struct vfa_sysfs *sysfs, const struct vfa_device *found,
                      struct vfa_device *ret, struct vfa_error *err);

    /* Of kinds with makers, else NULL: see vfa_kind_derive(). */
    int (*derive)(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                  struct vfa_device *ret, struct vfa_error *err);
};

/* The kind of an identity, or NULL: no device has that text as its identity. */
const struct vfa_kind *vfa_kind_of(const char *id);

/* Fills *err for a text that is no identity of a known kind. Returns -ENOTSUP. */
int vfa_kind_fail(const char *id, struct vfa_error *err);

/* The kinds one after the other: that of `i`, or NULL. */
const struct vfa_kind *vfa_kind_at(size_t i);

/* Reads one device as it is now. Free *ret with vfa_device_clear(). VFA_SYSFS_GONE: there is no
 * such device, also if the text is no identity. Only vfa_inventory_scan() recognises a PF that has
 * VFs but no sriov_totalvfs. */
int vfa_kind_read(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                  struct vfa_error *err);

/* The same for a device that an earlier scan has found: without a request that the kernel may let
 * wait, so inside a transaction of the state, too. A maker that is gone meanwhile may be read: it
 * makes nothing then (provision/provisioner.h). */
int vfa_kind_read_again(const struct vfa_sysfs *sysfs, const struct vfa_device *found,
                        struct vfa_device *ret, struct vfa_error *err);

/* The device that `maker` is to make: its identity, its path and what it stands on. Makes nothing.
 * Free *ret with vfa_device_clear(). -EINVAL: made_for->source is nothing that could be made. */
int vfa_kind_derive(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                    struct vfa_device *ret, struct vfa_error *err);

/* Checks whether a guest can have the device now (health.h). `dev` comes from vfa_kind_read() just
 * before, or from a scan. Of a maker: whether it can make one more. 0 or a negative errno. */
int vfa_kind_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                   struct vfa_health *ret, struct vfa_error *err);

#endif
