/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See match.h. */

#include "match.h"

#include "base/common.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/inventory.h"
#include "makers.h"
#include "private.h"
#include "spec.h"

static bool is_function(const struct vfa_device *dev)
{
    return dev->type <= VFA_TYPE_VF;
}

/* The maker, by its name, or "": it is not known. */
static const char *maker_of(const struct vfa_device *dev)
{
    return dev->makes ? dev->id : dev->maker ? dev->maker : "";
}

/* The PCI function that the device stands on, in *view: with what the device has of it. Returns
 * NULL if there is none. */
static const struct vfa_device *view_function(const struct vfa_device *dev, struct vfa_device *view)
{
    if (!dev->on_function)
        return NULL;
    *view = *dev;
    view->type = dev->on_vf ? VFA_TYPE_VF : VFA_TYPE_PCI;
    vfa_pci_addr_format(&dev->addr, view->id);
    return view;
}

bool vfa_spec_allows(const struct vfa_spec *spec, const struct vfa_inventory *inv,
                     const struct vfa_device *dev)
{
    const struct vfa_device *function, *found;
    struct vfa_device view;

    if (dev->type == VFA_TYPE_BRIDGE)
        return false;
    if (is_function(dev))
        return vfa_spec_matches(spec, inv, dev);
    function = view_function(dev, &view);
    found = function ? vfa_inventory_find(inv, function->id) : NULL; /* it may have a netdev */
    return vfa_spec_matches_maker(spec, inv, maker_of(dev), found ? found : function);
}

static bool selects(const struct vfa_alias *alias, const struct vfa_device *dev,
                    const struct vfa_spec *spec, bool with_driver)
{
    struct vfa_device view;

    if (is_function(dev))
        return vfa_alias_selects_function(alias, dev, spec, with_driver);
    if (!dev->makes && !alias->existing)
        return false;
    return vfa_alias_selects_maker(alias, maker_of(dev), 1u << dev->type, view_function(dev, &view),
                                   spec);
}

bool vfa_alias_selects(const struct vfa_alias *alias, const struct vfa_device *dev,
                       const struct vfa_spec *spec)
{
    return selects(alias, dev, spec, false);
}

bool vfa_alias_matches_driver(const struct vfa_alias *alias, const struct vfa_device *dev,
                              const struct vfa_spec *spec)
{
    return selects(alias, dev, spec, true);
}

unsigned vfa_spec_slots(const struct vfa_spec *spec, const struct vfa_device *dev)
{
    uint32_t slots = dev->makes ? dev->makes : 1;

    if (dev->makes && spec && spec->max_devices && spec->max_devices < slots)
        slots = spec->max_devices;
    return slots < VFA_SLOTS_MAX ? slots : VFA_SLOTS_MAX;
}
