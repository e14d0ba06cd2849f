/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that were made for a running domain, after the state file was lost. Only a device with the
 * name that follows from domain and request (device/made-name.h) is known to be vfalias' own.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/made-name.h"
#include "device/sysfs.h"
#include "domain/domain.h"
#include "state/saved.h"
#include "host/host.h"
#include "provision/made.h"
#include "private.h"

#include <errno.h>
#include <string.h>

void vfa_unrecorded_clear(struct vfa_unrecorded *list)
{
    free(list->items);
    *list = (struct vfa_unrecorded){NULL, 0, false};
}

const char *vfa_unrecorded_maker(const struct vfa_unrecorded *list, const char *device)
{
    for (size_t i = 0; list && i < list->n; i++) {
        if (strcmp(list->items[i].device, device) == 0)
            return list->items[i].maker;
    }
    return NULL;
}

/* VFA_SYSFS_GONE: the element names no device that was made for its request. */
static int read_made_source(struct vfa_alloc *a, const struct vfa_domdev *dev,
                            char ret[VFA_DEVICE_ID_SIZE], struct vfa_error *err)
{
    int r = dev->request ? vfa_alloc_source(a, dev, ret, err) : VFA_SYSFS_GONE;

    if (r != 0)
        return r;
    return vfa_made_is_name(a->domain->uuid, dev->request, ret) ? 0 : VFA_SYSFS_GONE;
}

static int is_on_record(struct vfa_host *host, const char *device, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    int r = vfa_state_saved(host->state, device, &list, err);

    *ret = r == 0 && list.n > 0 && list.items[0].recipe;
    return r;
}

/* A kernel that does not answer does not keep the claims from being reasserted. `vfalias gc` finds
 * the device, if it is left over later. */
static int find_maker(struct vfa_host *host, const char *device, char ret[VFA_DEVICE_ID_SIZE])
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_made_find_maker(host, device, ret, &why);

    if (r < 0 && host->warn)
        host->warn(vfa_error_text(&why));
    return r;
}

static int add_unrecorded(struct vfa_host *host, const char *device, struct vfa_unrecorded *list,
                          struct vfa_error *err)
{
    struct vfa_unrecorded_device *item = vfa_array_grow(&list->items, list->n);
    int r;

    if (!item)
        return vfa_fail_oom(err);
    snprintf(item->device, sizeof(item->device), "%s", device);
    r = find_maker(host, device, item->maker);
    list->n += r == 0;
    list->silent = r == -ETIMEDOUT;
    return 0;
}

int vfa_unrecorded_find(struct vfa_host *host, const struct vfa_domain *domain,
                        struct vfa_unrecorded *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_unrecorded_clear) struct vfa_unrecorded list = {NULL, 0, false};
    struct vfa_alloc a = {.host = host, .domain = domain};
    int r = 0;

    for (size_t i = 0; i < domain->n_devices && r == 0; i++) {
        char device[VFA_DEVICE_ID_SIZE];
        bool recorded = false;

        r = read_made_source(&a, &domain->devices[i], device, err);
        if (r == 0)
            r = is_on_record(host, device, &recorded, err);
        if (r == 0 && !recorded && !list.silent)
            r = add_unrecorded(host, device, &list, err);
        r = r == VFA_SYSFS_GONE ? 0 : r;
    }
    if (r == 0) {
        *ret = list;
        list = (struct vfa_unrecorded){NULL, 0, false};
    }
    return r;
}
