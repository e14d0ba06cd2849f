/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See keys.h. */

#include "keys.h"

#include "base/common.h"
#include "base/pci-address.h"
#include "device.h"

#include <string.h>

#define FAMILY "family "
#define GROUP  "iommu "

static void add_key(struct vfa_keys *keys, char mode, const char *prefix, const char *what)
{
    struct vfa_key *key = &keys->items[keys->n++];

    key->mode = mode;
    snprintf(key->text, sizeof(key->text), "%s%s", prefix, what);
}

/* What a device that is no PCI function shares with its siblings. */
static void add_parents(const struct vfa_device *dev, struct vfa_keys *ret)
{
    char function[VFA_PCI_ADDR_SIZE], pf[VFA_DEVICE_ID_SIZE];

    if (dev->maker)
        add_key(ret, VFA_KEY_SHARED, "", dev->maker);
    if (!dev->on_function)
        return;
    vfa_pci_addr_format(&dev->addr, function);
    add_key(ret, VFA_KEY_SHARED, "", function);
    add_key(ret, VFA_KEY_SHARED, FAMILY, vfa_device_pf(dev, pf) ? pf : function);
}

void vfa_keys_of_device(const struct vfa_device *dev, struct vfa_keys *ret)
{
    char pf[VFA_DEVICE_ID_SIZE], group[16];

    ret->n = 0;
    add_key(ret, VFA_KEY_EXCLUSIVE, "", dev->id);
    if (dev->type > VFA_TYPE_VF) {
        add_parents(dev, ret);
        return;
    }
    if (vfa_device_pf(dev, pf))
        add_key(ret, VFA_KEY_SHARED, FAMILY, pf);
    else
        add_key(ret, VFA_KEY_EXCLUSIVE, FAMILY, dev->id);
    if (dev->iommu_group < 0)
        return;
    snprintf(group, sizeof(group), "%d", dev->iommu_group);
    add_key(ret, VFA_KEY_GUEST, GROUP, group);
}

enum vfa_key_relation vfa_key_relation(const char *text, const char *id)
{
    if (strcmp(text, id) == 0)
        return VFA_KEY_SELF;
    return strncmp(text, GROUP, strlen(GROUP)) == 0 ? VFA_KEY_GROUP : VFA_KEY_FAMILY;
}
