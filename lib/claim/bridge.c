/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Aliases with attach bridge: a guest is connected to the bridge, so there is always room. The claim
 * is of the connection, which only this request has.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/bridge-kind.h"
#include "device/device.h"
#include "device/kind.h"
#include "device/sysfs.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "private.h"

#include <errno.h>

/* `vfalias explain` asks for the last request once more: only then the claim is made. */
static int claim_connection(struct vfa_alloc *a, const struct vfa_alias *alias,
                            const struct vfa_request *request, const struct vfa_device *dev,
                            struct vfa_error *err)
{
    int r;

    if (a->observer && (a->observer->go_on || a->observer->show_only))
        return 0;
    r = vfa_alloc_claim(a, request->name, alias->name, dev,
                        a->arriving ? VFA_CLAIM_INCOMING : VFA_CLAIM_CLAIMED, err);
    if (r == VFA_STATE_TAKEN)
        return vfa_refuse(err, EBUSY, "request '%s' has another device already", request->name);
    return r;
}

int vfa_alloc_pick_bridge(struct vfa_alloc *a, const struct vfa_alias *alias,
                          const struct vfa_request *request, struct vfa_device *ret,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    char id[VFA_DEVICE_ID_SIZE];
    int r;

    vfa_bridge_id(alias->bridge, a->domain->uuid, request->name, id);
    r = vfa_kind_read(&a->host->sysfs, id, &dev, err);
    if (r == VFA_SYSFS_GONE)
        return vfa_refuse(err, ENODEV, "request '%s': alias '%s': this host has no bridge '%s'",
                          request->name, alias->name, alias->bridge);
    if (r == 0)
        r = claim_connection(a, alias, request, &dev, err);
    if (r == 0 && ret) {
        *ret = dev;
        dev = (struct vfa_device){0};
    }
    return r;
}
