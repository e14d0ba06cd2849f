/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The data that a network controller needs to program the switch port of a device: the keys of
 * OpenStack's binding:profile (nova/network/neutron.py, _get_pci_device_profile()), read from sysfs
 * and the configuration. This file knows no claims and no domains.
 */
#ifndef VFA_HOST_BINDING_H
#define VFA_HOST_BINDING_H

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "config/config.h"

struct vfa_binding {
    bool present; /* the device exists; if false, the other members are unknown */
    uint16_t vendor, product;
    const char *physical_network; /* tag of its device_spec, or NULL; borrowed from the config */
    bool is_vf;
    struct vfa_pci_addr pf;    /* for a VF: address of its PF */
    char pf_mac[VFA_MAC_SIZE]; /* MAC of the PF's own netdev; "": no netdev, or no MAC */
    int vf_num;                /* N of the PF's link virtfnN; -1: unknown */
};

/* Reads the binding of a device, by its identity, as vfa_kind_read() does. maker: that of its claim,
 * or NULL. A device or file that vanishes meanwhile is unknown, not an error. Returns 0, or a
 * negative errno with *err filled. */
int vfa_binding_read(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                     const char *device, const char *maker, struct vfa_binding *ret,
                     struct vfa_error *err);

/* Finds the device_spec that allows a device, which the caller has read from sysfs. *ret is
 * borrowed from the configuration, NULL if there is none. Reads the PF of a VF, because a
 * device_spec can name the PF (devname). Returns 0, or a negative errno with *err filled. */
int vfa_binding_spec(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                     const struct vfa_device *dev, const struct vfa_spec **ret,
                     struct vfa_error *err);

/* vfa_alias_managed() for a device that the caller has read from sysfs; alias may be NULL. Finds
 * the device_spec only if the answer depends on it. */
int vfa_binding_managed(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                        const struct vfa_device *dev, const struct vfa_alias *alias, bool *ret,
                        struct vfa_error *err);

#endif
