/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many devices there are, and how many of them are free, as the last scan had it that checked
 * them (vfa_rescan()). */
#ifndef VFA_STATE_STATS_H
#define VFA_STATE_STATS_H

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "config/config.h"
#include "state.h"

struct vfa_stock {
    uint16_t vendor;
    uint16_t product;
    int numa_node;
    enum vfa_dev_type type;
    int spec; /* index of the device_spec that allows them, -1: none is configured */
    unsigned free;
};
struct vfa_alias_stats {
    unsigned total;
    unsigned free;
};
struct vfa_stats {
    struct vfa_stock *stock; /* devices that look alike, by their lowest address */
    size_t n;
    struct vfa_alias_stats *aliases; /* as the configuration has them */
};
void vfa_stats_clear(struct vfa_stats *stats);

/* Claims and quarantine are those of now. VFA_STATE_ABSENT: the index does not tell, as it is of
 * another configuration or another boot, or a device that is free now was not checked when the
 * hardware was scanned. Clear *ret with vfa_stats_clear(). */
int vfa_state_stats(struct vfa_state *state, const struct vfa_config *config, struct vfa_stats *ret,
                    struct vfa_error *err);

#endif
