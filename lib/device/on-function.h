/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What vDPA and mediated devices, and their makers, have of the PCI function that they stand on. */
#ifndef VFA_DEVICE_ON_FUNCTION_H
#define VFA_DEVICE_ON_FUNCTION_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device.h"
#include "sysfs.h"

/* Copies the ids, class, NUMA node and driver of the function to a device, and which function it
 * is. A function that has vanished meanwhile is left out. 0 or a negative errno. */
int vfa_on_function(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *function,
                    struct vfa_device *dev, struct vfa_error *err);

/* The device that a maker makes: with that identity, on the function of the maker. Free *ret with
 * vfa_device_clear(). 0 or -ENOMEM. */
int vfa_of_maker(const struct vfa_device *maker, const char *id, struct vfa_device *ret,
                 struct vfa_error *err);

#endif
