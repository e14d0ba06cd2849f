/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a device_spec allows a device, and whether an alias selects it, whatever kind it is. A
 * device that is no PCI function matches as its maker does (makers.h). Pure.
 */
#ifndef VFA_SPEC_MATCH_H
#define VFA_SPEC_MATCH_H

#include "device/device.h"
#include "device/inventory.h"
#include "spec.h"

/* Whether the spec allows the device. `inv` has the PF of a VF, for `devname`. */
bool vfa_spec_allows(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                     const struct vfa_device *dev);

/* Like vfa_alias_matches_driver(), but ignores the driver, which changes while a guest has the
 * device. */
bool vfa_alias_selects(const struct vfa_alias *alias, const struct vfa_device *dev,
                       const struct vfa_spec *spec);

/* Whether the alias matches a device that `spec` allows. `spec` NULL: the configuration has no
 * device_spec, and the device no tags. Tag values are compared ignoring case. A device with the tag
 * remote_managed true matches only aliases that require this tag (nova/pci/utils.py, stats.py).
 * Devices that others have made match only aliases with `existing`. */
bool vfa_alias_matches_driver(const struct vfa_alias *alias, const struct vfa_device *dev,
                              const struct vfa_spec *spec);

/* How many guests can have a device, or one that is made, at the same time: 1; of a maker as many as
 * it makes, and as the device_spec allows (max_devices). At most VFA_SLOTS_MAX. */
#define VFA_SLOTS_MAX 1000000 /* also in state/schema.sql */
unsigned vfa_spec_slots(const struct vfa_spec *spec, const struct vfa_device *dev);

#endif
