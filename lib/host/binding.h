/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a network controller must know of a device to program the switch that it hangs on: the keys
 * of OpenStack's binding:profile (nova/network/neutron.py, _get_pci_device_profile()), from sysfs
 * and the configuration as they are now. Knows no claims and no domains.
 */
#ifndef VFA_HOST_BINDING_H
#define VFA_HOST_BINDING_H

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/pci-address.h"
#include "device/inventory.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "config/config.h"

struct vfa_binding {
    bool present; /* the device is there; else all below is unknown */
    uint16_t vendor, product;
    const char *physical_network; /* the tag of its device_spec, or NULL; borrowed */
    bool is_vf;
    struct vfa_pci_addr pf;    /* of a VF */
    char pf_mac[VFA_MAC_SIZE]; /* of the PF's own netdev; "": it has none */
    int vf_num;                /* N of the PF's link virtfnN; -1: unknown */
};

/* A device by its address as text. What vanishes meanwhile is unknown, not an error. */
int vfa_binding_read(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                     const char *device, struct vfa_binding *ret, struct vfa_error *err);

/* The device_spec that allows a device, which is as sysfs has it; *ret is NULL if there is none.
 * Which one it is depends on the PF of a VF too (devname), which is read here. */
int vfa_binding_spec(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                     const struct vfa_device *dev, const struct vfa_spec **ret,
                     struct vfa_error *err);

#endif
