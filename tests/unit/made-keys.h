/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conflict keys of devices that no made sysfs has. */
#ifndef VFA_TESTS_MADE_KEYS_H
#define VFA_TESTS_MADE_KEYS_H

#include "base/pci-address.h"
#include "device/device.h"
#include "device/keys.h"

#include <stdlib.h>

/* A device with identity and address. */
static inline struct vfa_device made_device(const char *id)
{
    return vfa_device_unknown(id);
}

/* The keys of a device: a VF of `pf` (NULL: no VF), in the IOMMU group (-1: none). Valid until the
 * next eight calls. */
static inline const struct vfa_keys *made_keys(const char *id, const char *pf, int group)
{
    static struct vfa_keys keys[8];
    static unsigned next;
    struct vfa_device dev = made_device(id);

    dev.iommu_group = group;
    if (pf) {
        dev.type = VFA_TYPE_VF;
        if (vfa_parse_pci_addr(pf, &dev.parent) < 0)
            abort();
    }
    next = (next + 1) % 8;
    vfa_keys_of_device(&dev, &keys[next]);
    return &keys[next];
}

#endif
