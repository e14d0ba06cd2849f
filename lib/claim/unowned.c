/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See unowned.h. The device's lock is taken first, then the claims are read: a domain that claims
 * the device later waits for the lock before it makes the device (provision/provisioner.h).
 */

#include "unowned.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/made-name.h"
#include "device/mdev.h"
#include "device/sysfs.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/saved.h"
#include "host/host.h"
#include "provision/made.h"

#include <dirent.h>
#include <string.h>

#define VDPA_DIR "bus/vdpa/devices"

void vfa_unowned_clear(struct vfa_unowned *list)
{
    free(list->items);
    *list = (struct vfa_unowned){NULL, 0};
}

bool vfa_unowned_is_reported(const struct vfa_unowned_device *device)
{
    return !device->done && strncmp(device->device, VFA_VDPA_PREFIX, strlen(VFA_VDPA_PREFIX)) == 0;
}

/* ---- finding ---- */

/* False also for a device that is being released, or in quarantine with its record. */
static int is_unowned(struct vfa_host *host, const char *device, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list saved = {NULL, 0};
    bool claimed = false;
    int r = vfa_state_is_claimed(host->state, device, &claimed, err);

    if (r == 0)
        r = vfa_state_saved(host->state, device, &saved, err);
    *ret = r == 0 && !claimed && saved.n == 0;
    return r;
}

static int add_if_unowned(struct vfa_host *host, const char *prefix, const char *name,
                          struct vfa_unowned *list, struct vfa_error *err)
{
    struct vfa_unowned_device device = {.done = false}, *item;
    bool unowned = false;
    int r;

    snprintf(device.device, sizeof(device.device), "%s%s", prefix, name);
    r = is_unowned(host, device.device, &unowned, err);
    if (r < 0 || !unowned)
        return r;
    item = vfa_array_grow(&list->items, list->n);
    if (!item)
        return vfa_fail_oom(err);
    *item = device;
    list->n++;
    return 0;
}

static int find_vdpa(struct vfa_host *host, struct vfa_unowned *list, struct vfa_error *err)
{
    int fd = vfa_sysfs_opendir(host->sysfs.rootfd, VDPA_DIR), r = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir) { /* the kernel has no vDPA */
        vfa_closep(&fd);
        return 0;
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (vfa_made_is_pattern(entry->d_name))
            r = add_if_unowned(host, VFA_VDPA_PREFIX, entry->d_name, list, err);
    }
    closedir(dir);
    return r;
}

static int find_mdevs(struct vfa_host *host, struct vfa_unowned *list, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdevs_clear) struct vfa_mdevs mdevs = {NULL, 0};
    int r = vfa_mdevs(&host->sysfs, &mdevs, err);

    for (size_t i = 0; i < mdevs.n && r == 0; i++)
        r = add_if_unowned(host, VFA_MDEV_PREFIX, mdevs.items[i].uuid, list, err);
    return r;
}

int vfa_unowned_find(struct vfa_host *host, struct vfa_unowned *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_unowned_clear) struct vfa_unowned list = {NULL, 0};
    int r = vfa_sysfs_is_host(&host->sysfs) ? find_vdpa(host, &list, err) : 0;

    if (r == 0 && vfa_sysfs_is_host(&host->sysfs))
        r = find_mdevs(host, &list, err);
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_unowned){NULL, 0};
    return 0;
}

/* ---- destroying ---- */

static void warn_of_left(const struct vfa_host *host, const struct vfa_domain *domain,
                         const char *request, const struct vfa_error *why)
{
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (!host->warn)
        return;
    if (asprintf(&text, "domain '%s': request '%s': a device that is left over stays: %s",
                 domain->name, request, vfa_error_text(why)) < 0)
        text = NULL;
    else
        host->warn(text);
}

static int destroy_one(struct vfa_host *host, const char *device, const struct vfa_domain *domain,
                       const char *request, size_t *n, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_lock_endp) int lock = -1;
    bool unowned = false;
    int r = vfa_lock_device(host->config->state_path, device, &lock, err);

    if (r != 0)
        return r < 0 ? r : 0; /* a program is at work on it, so it is not left over */
    r = is_unowned(host, device, &unowned, err);
    if (r < 0 || !unowned)
        return r;
    r = vfa_made_destroy(host, device, domain->uuid, request, &why);
    *n += r == 0;
    if (r != 0)
        warn_of_left(host, domain, request, &why);
    return 0;
}

static int destroy_of_request(struct vfa_host *host, struct vfa_unowned *list,
                              const struct vfa_domain *domain, const char *request, size_t *n,
                              struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < list->n && r == 0; i++) {
        struct vfa_unowned_device *item = &list->items[i];

        if (item->done || !vfa_made_is_name(domain->uuid, request, item->device))
            continue;
        item->done = true;
        r = destroy_one(host, item->device, domain, request, n, err);
    }
    return r;
}

int vfa_unowned_destroy(struct vfa_host *host, struct vfa_unowned *list,
                        const struct vfa_domain *domain, size_t *n, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < domain->n_requests && r == 0; i++)
        r = destroy_of_request(host, list, domain, domain->requests[i].name, n, err);
    for (size_t i = 0; i < domain->n_devices && r == 0; i++) {
        if (domain->devices[i].request)
            r = destroy_of_request(host, list, domain, domain->devices[i].request, n, err);
    }
    return r;
}
