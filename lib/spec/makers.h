/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes devices: management devices of vDPA, and types of mediated devices. Whether a
 * device_spec allows what they make, and whether an alias selects it. Pure, like spec.h.
 *
 * A maker is named by a text:
 *   mgmtdev:NAME            a management device, as `vdpa mgmtdev show` names it
 *   mdev-type:PARENT/TYPE   a type of a parent, as sysfs names them (class/mdev_bus)
 * Any other text names no maker, and nothing matches it. A device that exists matches like the
 * maker that made it.
 *
 * `function` is the PCI function that the maker is on: its nearest ancestor in sysfs on the PCI
 * bus. NULL: a software device has none.
 */
#ifndef VFA_SPEC_MAKERS_H
#define VFA_SPEC_MAKERS_H

#include "base/common.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec.h"

#define VFA_MAKER_MGMTDEV "mgmtdev:"
#define VFA_MAKER_MDEV    "mdev-type:"

/* Whether the spec allows what the maker makes. The keys for PCI devices are those of `function`,
 * so a devname or address of a PF stands for makers on the PF and on its VFs. A maker without
 * function needs a spec with mgmtdev, mdev_types or mdev_parent, and without keys for PCI devices.
 */
bool vfa_spec_matches_maker(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                            const char *maker, const struct vfa_device *function);

/* Whether the alias selects what the maker makes and `spec` allows. `types` has the bits 1 << enum
 * vfa_dev_type of what the maker can make: a management device may make several. The ids, class and
 * driver of the alias are those of `function`. `spec` may be NULL: no tags. */
bool vfa_alias_selects_maker(const struct vfa_alias *alias, const char *maker, unsigned types,
                             const struct vfa_device *function, const struct vfa_spec *spec);

/* Whether the spec allows mediated devices of this type on some parent, or vDPA devices of some
 * management device. */
bool vfa_spec_allows_mdev_type(const struct vfa_spec *spec, const char *type);
bool vfa_spec_allows_vdpa(const struct vfa_spec *spec);

/* Whether a text can be the name of a maker, or a pattern for such names: printable ASCII without
 * blanks, quotes and backslashes, 1 to VFA_MAKER_PATTERN_MAX characters. */
#define VFA_MAKER_PATTERN_MAX 71
bool vfa_maker_pattern_ok(const char *name);

#endif
