/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See attribute-undo.h. Only what is saved counts: the alias may have other attributes by now, or none.
 *
 * No refusal is final at once. After the end of QEMU, NVIDIA's file refuses for some seconds
 * (EPERM, EBUSY: Proxmox VE writes it ten times, a second apart), and a file vanishes while a
 * driver is bound again. If the file stays away, the driver that had it is another one: then nobody
 * knows whether the device keeps the value, and the device is not given to the next guest.
 */

#include "attribute-undo.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/attribute-file.h"
#include "device/attributes.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "state/saved.h"
#include "provisioner.h"

#include <errno.h>
#include <string.h>

static int set_attribute_back(int fd, const struct vfa_attribute *saved, struct vfa_error *err)
{
    char now[VFA_ATTRIBUTE_VALUE_MAX + 1];
    int r = vfa_attribute_read(fd, saved->name, now, err);

    if (r < 0 || vfa_attribute_same(now, saved->value))
        return r;
    return vfa_attribute_set(fd, saved->name, saved->value, err);
}

/* Sets back what can be set back; the error is that of the first that cannot. */
static int set_all_back(int fd, const struct vfa_saved *saved, struct vfa_error *err)
{
    int result = 0;

    for (size_t i = saved->attributes.n; i > 0; i--) {
        const struct vfa_attribute *attribute = &saved->attributes.items[i - 1];
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (set_attribute_back(fd, attribute, &why) == 0)
            continue;
        if (result == 0)
            vfa_fail(err, why.code, "cannot set attribute '%s' of %s back to '%.60s': %s",
                     attribute->name, saved->device, attribute->value, vfa_error_text(&why));
        result = VFA_VF_NOT_YET;
    }
    return result;
}

int vfa_attributes_undo(const struct vfa_sysfs *sysfs, const struct vfa_saved *saved,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = -1;
    struct vfa_pci_addr addr;

    if (saved->attributes.n == 0)
        return 0;
    if (vfa_parse_pci_addr(saved->device, &addr) < 0)
        return vfa_refuse(err, EINVAL, "'%s' is not a PCI device", saved->device);
    fd = vfa_pci_open(sysfs, &addr);
    if (fd >= 0)
        return set_all_back(fd, saved, err);
    if (errno == ENOENT || errno == ENODEV) /* the device is gone */
        return 0;
    vfa_fail(err, errno, "cannot open the folder of %s: %s", saved->device, strerror(errno));
    return VFA_VF_NOT_YET;
}
