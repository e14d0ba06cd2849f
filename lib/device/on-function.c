/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See on-function.h. */

#include "on-function.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device.h"
#include "pci.h"
#include "sysfs.h"

#include <string.h>

int vfa_on_function(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *function,
                    struct vfa_device *dev, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device pci = {0};
    int r = vfa_pci_read(sysfs, function, &pci, err);

    if (r != 0)
        return r < 0 ? r : 0;
    dev->addr = pci.addr;
    dev->parent = pci.parent;
    dev->on_function = true;
    dev->on_vf = pci.type == VFA_TYPE_VF;
    dev->vendor = pci.vendor;
    dev->product = pci.product;
    dev->class = pci.class;
    dev->numa_node = pci.numa_node;
    dev->driver = vfa_steal(&pci.driver);
    return 0;
}

int vfa_of_maker(const struct vfa_device *maker, const char *id, struct vfa_device *ret,
                 struct vfa_error *err)
{
    struct vfa_device made = *maker; /* what the maker owns is replaced below */

    snprintf(made.id, sizeof(made.id), "%s", id);
    made.makes = 0;
    made.netdev = made.path = made.driver = NULL;
    made.maker = strdup(maker->id);
    if (!made.maker)
        return vfa_fail_oom(err);
    *ret = made;
    return 0;
}
