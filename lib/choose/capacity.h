/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many devices each alias has and how many are free (for a guest that is nowhere in
 * particular), and the pools: devices that look alike to a user. Pools are Nova's
 * (nova/pci/stats.py): same vendor, product, NUMA node, type and tags, where the tags
 * resource_class and traits do not count.
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
    struct vfa_stock keys; /* of the first devices in it */
    struct vfa_tags tags;  /* without those that do not count; items are borrowed */
    unsigned count;        /* of free devices */
};

struct vfa_capacity {
    struct vfa_alias_stats *aliases; /* as the configuration has them */
    struct vfa_capacity_pool *pools;
    size_t n_pools;
};
void vfa_capacity_clear(struct vfa_capacity *capacity);

/* By what was seen of the hardware. *ret borrows from the configuration; clear it in any case. */
int vfa_capacity_scan(const struct vfa_config *config, const struct vfa_device_status_list *view,
                      struct vfa_capacity *ret, struct vfa_error *err);

/* The same by the index, so as of the last scan, with the claims and the quarantine of now: quick
 * on any host. VFA_STATE_ABSENT: the index does not have the numbers. */
int vfa_capacity_look_up(const struct vfa_config *config, struct vfa_state *state,
                         struct vfa_capacity *ret, struct vfa_error *err);

#endif
