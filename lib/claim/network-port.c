/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that a libvirt network gave to a domain's interface. libvirt has chosen the device;
 * vfalias records it, or refuses if another domain has it.
 *
 * A domain that has such an interface and also requests for the same devices may hold the device
 * for a request. Then the port gets the device, since libvirt would choose it at every start, and
 * vfaliasd chooses another device for the request.
 */

#include "network-port.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "device/device.h"
#include "domain/domain.h"
#include "domain/netport.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "private.h"
#include "release.h"

#include <errno.h>
#include <string.h>

#define NAME_SIZE (sizeof(VFA_PORT_PREFIX) + VFA_UUID_SIZE)

static int refuse_port(const struct vfa_device *now, const struct vfa_claim *holder,
                       struct vfa_error *err)
{
    if (!vfa_claim_is_held(holder->state)) {
        return vfa_refuse(
            err, EBUSY, "device %s is not free: %s is being %s after domain '%s' had it", now->id,
            holder->device, holder->state == VFA_CLAIM_CLEANING ? "cleaned" : "released",
            holder->domain);
    }
    return vfa_refuse(
        err, EBUSY,
        "device %s is not free: domain '%s' holds %s (request '%s'); a device_spec must not "
        "allow the devices of a network",
        now->id, holder->domain, holder->device, holder->request);
}

static bool is_same_device(const struct vfa_claim *holder, const struct vfa_device *now)
{
    return strcmp(holder->device, now->id) == 0;
}

/* What to do about a claim that is in the way. KEEP: the domain's XML already named the device:
 * libvirt's daemon was restarted and reports its ports again. */
enum way { REFUSE, KEEP, DROP };
static enum way judge_port_holder(struct vfa_alloc *a, const struct vfa_claim *holder,
                                  const struct vfa_device *now)
{
    if (strcmp(holder->uuid, a->domain->uuid) != 0 || !vfa_claim_is_held(holder->state))
        return REFUSE;
    if (vfa_claim_is_static(holder->request) && is_same_device(holder, now))
        return KEEP;
    return holder->state == VFA_CLAIM_ACTIVE ? REFUSE : DROP;
}

/* Each round drops one claim of the domain. */
static int claim_port(struct vfa_alloc *a, const char *name, const struct vfa_device *now,
                      struct vfa_error *err)
{
    for (;;) {
        VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
        enum way way = DROP;
        size_t dropped = 0;
        int r = vfa_alloc_claim(a, name, NULL, now, VFA_CLAIM_CLAIMED, err);

        if (r != VFA_STATE_TAKEN)
            return r;
        r = vfa_alloc_holder(a, now, &holder, err);
        if (r < 0)
            return r;
        if (r == 0)
            way = judge_port_holder(a, &holder, now);
        if (way == REFUSE)
            return refuse_port(now, &holder, err);
        if (way == KEEP)
            return 0;
        r = vfa_release(a->host, a->domain->uuid, r == 0 ? holder.request : name, VFA_WHY_REPLACED,
                        &dropped, err);
        if (r < 0)
            return r;
        if (dropped == 0)
            return vfa_alloc_fail_stuck(now, err);
    }
}

int vfa_network_port_claim(struct vfa_host *host, const struct vfa_netport *port,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    struct vfa_domain domain = {.name = port->owner};
    VFA_AUTO(vfa_alloc_clear) struct vfa_alloc a = {.host = host, .domain = &domain};
    char name[NAME_SIZE];
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    memcpy(domain.uuid, port->owner_uuid, sizeof(domain.uuid));
    snprintf(name, sizeof(name), VFA_PORT_PREFIX "%s", port->uuid);
    r = vfa_alloc_read(&a, port->source, &now, err);
    if (r == 0)
        r = claim_port(&a, name, &now, err);
    return vfa_state_finish(host->state, own, r, err);
}

int vfa_network_port_release(struct vfa_host *host, const struct vfa_netport *port, size_t *ret_n,
                             struct vfa_error *err)
{
    char name[NAME_SIZE];

    snprintf(name, sizeof(name), VFA_PORT_PREFIX "%s", port->uuid);
    return vfa_release(host, port->owner_uuid, name, VFA_WHY_DETACHED, ret_n, err);
}
