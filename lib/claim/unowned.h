/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that vfalias has made and nobody owns: left over because the state file was lost while no
 * domain ran that had them. Normally the release of a claim destroys its device.
 *
 * A device is destroyed only if its name follows from a domain that libvirt knows and one of its
 * requests (device/made-name.h), no claim and no record names it, and no program has it open.
 */
#ifndef VFA_CLAIM_UNOWNED_H
#define VFA_CLAIM_UNOWNED_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "domain/domain.h"
#include "host/host.h"

struct vfa_unowned {
    struct vfa_unowned_device {
        char device[VFA_DEVICE_ID_SIZE];
        bool done; /* its domain was found */
    } * items;
    size_t n;
};
void vfa_unowned_clear(struct vfa_unowned *list);

/* Finds the devices that may be such: vDPA devices with a name of vfalias' pattern, and all mediated
 * devices, without claim and record. Clear *ret with vfa_unowned_clear(). */
int vfa_unowned_find(struct vfa_host *host, struct vfa_unowned *ret, struct vfa_error *err);

/* Destroys the devices of the list that have the names of requests of this domain. host->warn
 * receives those that cannot be destroyed. *n is increased by the number of destroyed devices. Not
 * inside a transaction. */
int vfa_unowned_destroy(struct vfa_host *host, struct vfa_unowned *list,
                        const struct vfa_domain *domain, size_t *n, struct vfa_error *err);

/* True if the device is left over from a domain that does not exist any more: its name has vfalias'
 * pattern. It is not destroyed, since another program may have made it. */
bool vfa_unowned_is_reported(const struct vfa_unowned_device *device);

#endif
