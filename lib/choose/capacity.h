/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts of devices: for each alias all and the free ones (for a guest without NUMA placement), and
 * for each pool the free ones. A pool is the same as in Nova (nova/pci/stats.py): devices with the
 * same vendor, product, NUMA node, type and tags, except for the tags resource_class and traits.
 */
#ifndef VFA_CHOOSE_CAPACITY_H
#define VFA_CHOOSE_CAPACITY_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "config/config.h"
#include "state/state.h"
#include "state/stats.h"
#include "device-status.h"

struct vfa_capacity_pool {
    struct vfa_stock keys; /* its member `free` is of the device that was counted first */
    struct vfa_tags tags;  /* without resource_class and traits; the strings are borrowed */
    unsigned count;        /* free devices */
};

struct vfa_capacity {
    struct vfa_alias_stats *aliases; /* in the order of the configuration */
    struct vfa_capacity_pool *pools;
    size_t n_pools;
};
void vfa_capacity_clear(struct vfa_capacity *capacity);

/* Counts the devices of a scan. *ret starts zeroed, borrows from the configuration, and has to be
 * cleared in any case, also after an error. */
int vfa_capacity_scan(const struct vfa_config *config, const struct vfa_device_status_list *list,
                      struct vfa_capacity *ret, struct vfa_error *err);

/* The same from the index: devices as of the last scan, claims and quarantine as of now. Fast on
 * any host. VFA_STATE_ABSENT: the index does not have the numbers. */
int vfa_capacity_look_up(const struct vfa_config *config, struct vfa_state *state,
                         struct vfa_capacity *ret, struct vfa_error *err);

#endif
