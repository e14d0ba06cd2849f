/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One claim of an attempt: the row in the state, with what the device's spec says of the time after
 * it (cleaning.h). Whether the domain may have the device is decided before.
 */
#include "allocate-private.h"
#include "cleaning.h"
#include "unreleased.h"

#include <errno.h>

int vfa_attempt_claim(struct vfa_attempt *a, const char *request, const char *alias,
                      const struct vfa_device *dev, enum vfa_claim_state claim_state,
                      struct vfa_error *err)
{
    char device[VFA_PCI_ADDR_SIZE], parent[VFA_PCI_ADDR_SIZE], kind[] = "pci";
    const struct vfa_spec *spec = NULL;
    int r;
    struct vfa_claim claim = {
        .device = vfa_pci_addr_format(&dev->addr, device),
        .parent = dev->type == VFA_TYPE_VF ? vfa_pci_addr_format(&dev->parent, parent) : NULL,
        .iommu_group = dev->iommu_group,
        .kind = kind,
        .uuid = (char *)a->domain->uuid,
        .domain = a->domain->name,
        .request = (char *)request,
        .alias = (char *)alias,
        .state = claim_state,
        .placeholder = alias && !vfa_domain_request(a->domain, request),
    };

    if (!a->domain->uuid[0])
        return vfa_fail(err, EINVAL, "cannot claim device %s: the domain's XML has no UUID",
                        device);
    r = vfa_cleaning_spec(a->host, dev, &spec, err);
    if (r < 0)
        return r;
    if (!vfa_state_is_copy(a->host->state))
        r = vfa_unreleased_void(a->host->config->state_path, a->domain->uuid, err);
    if (r < 0)
        return r;
    claim.cleaner = spec ? spec->clean : NULL;
    r = vfa_state_claim(a->host->state, &claim, err);
    if (r == 0 && spec && spec->one_time_use)
        r = vfa_cleaning_burn(a->host, claim.device, claim.domain, err);
    return r;
}
