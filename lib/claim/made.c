/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are made for a request. The index proposes makers; a claim is of the device that the
 * maker is to make, and holds one slot of the maker. Nothing is made here: provision/provisioner.h
 * does that, when the claim is committed.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/kind.h"
#include "device/made-name.h"
#include "device/sysfs.h"
#include "device/vdpa-kind.h"
#include "domain/domain.h"
#include "state/saved.h"
#include "host/host.h"
#include "private.h"

#include <string.h>

/* A link below the folder belongs to the request of its element, whatever it is called. */
static bool is_link_of_ours(const struct vfa_config *config, const struct vfa_domdev *dev)
{
    VFA_AUTO(vfa_freep) char *folder = vfa_made_folder(config);
    size_t len = folder ? strlen(folder) : 0;

    return folder && dev->request && strncmp(dev->source, folder, len) == 0 &&
           dev->source[len] == '/';
}

void vfa_alloc_made_id(const struct vfa_alloc *a, const struct vfa_alias *alias,
                       const char *request, char *ret)
{
    const struct vfa_domdev *element = vfa_domain_device(a->domain, request);
    char name[VFA_MADE_VDPA_SIZE], uuid[VFA_UUID_SIZE];

    if (!(alias->types & 1u << VFA_TYPE_MDEV))
        snprintf(ret, VFA_DEVICE_ID_SIZE, VFA_VDPA_PREFIX "%s",
                 vfa_made_vdpa_name(a->domain->uuid, request, name));
    else if (element && element->source)
        snprintf(ret, VFA_DEVICE_ID_SIZE, "%s", element->source);
    else
        snprintf(ret, VFA_DEVICE_ID_SIZE, VFA_MDEV_PREFIX "%s",
                 vfa_made_uuid(a->domain->uuid, request, uuid));
}

int vfa_alloc_node(struct vfa_alloc *a, const struct vfa_domdev *dev, char *ret,
                   struct vfa_error *err)
{
    char name[VFA_MADE_VDPA_SIZE];

    if (!is_link_of_ours(a->host->config, dev))
        return vfa_vdpa_of_node(&a->host->sysfs, dev->source, ret, err);
    snprintf(ret, VFA_DEVICE_ID_SIZE, VFA_VDPA_PREFIX "%s",
             vfa_made_vdpa_name(a->domain->uuid, dev->request, name));
    return 0;
}

int vfa_alloc_is_made(struct vfa_alloc *a, const char *request, const char *device, bool *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list saved = {NULL, 0};
    int r;

    *ret = vfa_made_is_name(a->domain->uuid, request, device);
    if (*ret)
        return 0;
    r = vfa_state_saved(a->host->state, device, &saved, err);
    *ret = r == 0 && saved.n > 0 && saved.items[0].recipe;
    return r;
}

int vfa_alloc_derive(struct vfa_alloc *a, const struct vfa_device *maker, const char *request,
                     struct vfa_device *ret, struct vfa_error *err)
{
    const struct vfa_domdev *element = vfa_domain_device(a->domain, request);
    VFA_AUTO(vfa_freep) char *folder = vfa_made_folder(a->host->config);
    const struct vfa_made_for made_for = {.uuid = a->domain->uuid,
                                          .request = request,
                                          .folder = folder,
                                          .source = element ? element->source : NULL};

    if (!folder)
        return vfa_fail_oom(err);
    if (vfa_kind_derive(maker, &made_for, ret, err) == 0)
        return 0;
    return vfa_wrap(err, "request '%s'", request);
}
