/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See kind.h. */

#include "kind.h"

#include "base/common.h"
#include "base/error.h"
#include "bridge-kind.h"
#include "device.h"
#include "health.h"
#include "made-name.h"
#include "mdev-kind.h"
#include "pci.h"
#include "sysfs.h"
#include "vdpa-kind.h"

#include <errno.h>

static const struct vfa_kind kinds[] = {
    {
        .name = VFA_KIND_PCI,
        .has_id = vfa_pci_has_id,
        .scan = vfa_pci_scan,
        .read = vfa_pci_read_id,
        .check = vfa_health_check,
    },
    {
        .name = VFA_KIND_VDPA,
        .has_id = vfa_vdpa_has_id,
        .scan = vfa_vdpa_scan,
        .read = vfa_vdpa_read_id,
        .read_again = vfa_vdpa_read_again,
        .check = vfa_vdpa_check,
        .derive = vfa_vdpa_derive,
    },
    {
        .name = VFA_KIND_MDEV,
        .has_id = vfa_mdev_has_id,
        .scan = vfa_mdev_scan,
        .read = vfa_mdev_read_id,
        .check = vfa_mdev_check,
        .derive = vfa_mdev_derive,
    },
    {
        .name = VFA_KIND_BRIDGE,
        .has_id = vfa_bridge_has_id,
        .scan = vfa_bridge_scan,
        .read = vfa_bridge_read_id,
        .check = vfa_bridge_check,
    },
};

const struct vfa_kind *vfa_kind_at(size_t i)
{
    return i < ARRAY_SIZE(kinds) ? &kinds[i] : NULL;
}

const struct vfa_kind *vfa_kind_of(const char *id)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].has_id(id))
            return &kinds[i];
    }
    return NULL;
}

int vfa_kind_fail(const char *id, struct vfa_error *err)
{
    return vfa_fail(
        err, ENOTSUP,
        "cannot use %s: its kind is unknown to this version of vfalias: install a newer one", id);
}

int vfa_kind_read(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                  struct vfa_error *err)
{
    const struct vfa_kind *kind = vfa_kind_of(id);

    return kind ? kind->read(sysfs, id, ret, err) : VFA_SYSFS_GONE;
}

int vfa_kind_read_again(const struct vfa_sysfs *sysfs, const struct vfa_device *found,
                        struct vfa_device *ret, struct vfa_error *err)
{
    const struct vfa_kind *kind = vfa_kind_of(found->id);

    return kind && kind->read_again ? kind->read_again(sysfs, found, ret, err)
                                    : vfa_kind_read(sysfs, found->id, ret, err);
}

int vfa_kind_derive(const struct vfa_device *maker, const struct vfa_made_for *made_for,
                    struct vfa_device *ret, struct vfa_error *err)
{
    const struct vfa_kind *kind = vfa_kind_of(maker->id);

    return kind && kind->derive ? kind->derive(maker, made_for, ret, err)
                                : vfa_kind_fail(maker->id, err);
}

int vfa_kind_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                   struct vfa_health *ret, struct vfa_error *err)
{
    const struct vfa_kind *kind = vfa_kind_of(dev->id);

    return kind ? kind->check(health_context, dev, ret, err) : vfa_kind_fail(dev->id, err);
}
