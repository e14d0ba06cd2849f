/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See inventory.h.
 *
 * Invariant: the snapshot is sorted by identity and has each identity once.
 */

#include "inventory.h"

#include "base/common.h"
#include "base/error.h"
#include "device.h"
#include "kind.h"
#include "sysfs.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int64_t vfa_inventory_clock(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int compare_devices(const void *a, const void *b)
{
    return strcmp(((const struct vfa_device *)a)->id, ((const struct vfa_device *)b)->id);
}

static int compare_id(const void *id, const void *dev)
{
    return strcmp(id, ((const struct vfa_device *)dev)->id);
}

static struct vfa_device *find_device(const struct vfa_inventory *inv, const char *id)
{
    return inv->n ? bsearch(id, inv->devices, inv->n, sizeof(*inv->devices), compare_id) : NULL;
}

/* sriov_totalvfs may be missing or 0 although VFs exist: the physfn of a VF is always a PF. */
static void mark_parents(struct vfa_inventory *inv)
{
    for (size_t i = 0; i < inv->n; i++) {
        char id[VFA_DEVICE_ID_SIZE];
        const char *pf_id = vfa_device_pf(&inv->devices[i], id);
        struct vfa_device *pf = pf_id ? find_device(inv, pf_id) : NULL;

        if (pf && pf->type == VFA_TYPE_PCI)
            pf->type = VFA_TYPE_PF;
    }
}

/* One hung vDPA request, say, makes all others wait in the kernel: guests that ask for VFs start
 * nevertheless. Keeps the first reason. */
static int scan_kind(const struct vfa_sysfs *sysfs, const struct vfa_kind *kind,
                     struct vfa_inventory *inv, struct vfa_device_list *list, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    const size_t before = list->n;
    int r = kind->scan(sysfs, list, &why);

    if (r >= 0)
        return 0;
    if (r == -ENOMEM || kind == vfa_kind_at(0))
        return vfa_error_move(err, &why);
    while (list->n > before)
        vfa_device_clear(&list->items[--list->n]);
    if (inv->lacks)
        return 0;
    inv->lacks = strdup(vfa_error_text(&why));
    return inv->lacks ? 0 : vfa_fail_oom(err);
}

static int scan_kinds(const struct vfa_sysfs *sysfs, struct vfa_inventory *inv,
                      struct vfa_device_list *list, struct vfa_error *err)
{
    const struct vfa_kind *kind;
    int r = 0;

    for (size_t i = 0; r == 0 && (kind = vfa_kind_at(i)); i++)
        r = scan_kind(sysfs, kind, inv, list, err);
    return r;
}

int vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_device_list_clear) struct vfa_device_list list = {NULL, 0, 0};
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = calloc(1, sizeof(*inv));
    int r;

    if (!inv)
        return vfa_fail_oom(err);
    inv->scanned = vfa_inventory_clock();
    r = scan_kinds(sysfs, inv, &list, err);
    if (r < 0)
        return r;
    inv->devices = vfa_steal(&list.items);
    inv->n = list.n;
    list.n = 0;
    if (inv->n)
        qsort(inv->devices, inv->n, sizeof(*inv->devices), compare_devices);
    mark_parents(inv);
    *ret = vfa_steal(&inv);
    return 0;
}

struct vfa_inventory *vfa_inventory_free(struct vfa_inventory *inv)
{
    if (inv) {
        for (size_t i = 0; i < inv->n; i++)
            vfa_device_clear(&inv->devices[i]);
        free(inv->devices);
        free(inv->lacks);
        free(inv);
    }
    return NULL;
}

const struct vfa_device *vfa_inventory_find(const struct vfa_inventory *inv, const char *id)
{
    return find_device(inv, id);
}

const struct vfa_device *vfa_inventory_parent(const struct vfa_inventory *inv,
                                              const struct vfa_device *dev)
{
    char id[VFA_DEVICE_ID_SIZE];
    const char *pf = vfa_device_pf(dev, id);

    return pf ? find_device(inv, pf) : NULL;
}
