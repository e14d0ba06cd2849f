/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See device.h. */

#include "device.h"

#include "base/common.h"
#include "base/pci-address.h"

#include <string.h>

const char *vfa_dev_type_name(enum vfa_dev_type type)
{
    static const char *const names[VFA_TYPES] = {
        [VFA_TYPE_PCI] = "type-PCI",  [VFA_TYPE_PF] = "type-PF",
        [VFA_TYPE_VF] = "type-VF",    [VFA_TYPE_VDPA] = "vdpa",
        [VFA_TYPE_MDEV] = "mdev",     [VFA_TYPE_VDPA_BLOCK] = "vdpa-block",
        [VFA_TYPE_BRIDGE] = "bridge",
    };

    return names[type];
}

void vfa_device_clear(struct vfa_device *dev)
{
    free(dev->netdev);
    free(dev->driver);
    free(dev->maker);
    free(dev->path);
    memset(dev, 0, sizeof(*dev));
}

struct vfa_device vfa_device_unknown(const char *id)
{
    struct vfa_device dev = {.numa_node = -1, .iommu_group = -1};

    snprintf(dev.id, sizeof(dev.id), "%s", id);
    if (vfa_parse_pci_addr(id, &dev.addr) < 0)
        dev.addr = (struct vfa_pci_addr){.domain = 0};
    return dev;
}

const char *vfa_device_pf(const struct vfa_device *dev, char *buf)
{
    return dev->type == VFA_TYPE_VF || dev->on_vf ? vfa_pci_addr_format(&dev->parent, buf) : NULL;
}

struct vfa_device *vfa_device_list_add(struct vfa_device_list *list)
{
    if (list->n == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        struct vfa_device *more = reallocarray(list->items, room, sizeof(*more));

        if (!more)
            return NULL;
        list->items = more;
        list->room = room;
    }
    memset(&list->items[list->n], 0, sizeof(*list->items));
    return &list->items[list->n++];
}

void vfa_device_list_clear(struct vfa_device_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        vfa_device_clear(&list->items[i]);
    free(list->items);
    *list = (struct vfa_device_list){NULL, 0, 0};
}
