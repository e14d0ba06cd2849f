/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many devices there are and how many of them are free. Health is that of the last scan with
 * checks (vfa_host_install_scan() in host/rescan.h); claims and quarantine are the present ones. */
#ifndef VFA_STATE_STATS_H
#define VFA_STATE_STATS_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "config/config.h"
#include "state.h"

/* Devices that are alike for a user. */
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
    struct vfa_stock *stock; /* sorted by the lowest address */
    size_t n;
    struct vfa_alias_stats *aliases; /* in the order of the configuration */
};
/* Frees the lists; they are empty then. */
void vfa_stats_clear(struct vfa_stats *stats);

/* Counts devices and free devices. Returns VFA_STATE_ABSENT if the index cannot tell: it was made
 * from another configuration or in another boot, or a device that is free now was not checked at
 * the scan. Other results and errors: see state.h; -EUCLEAN if the index has a value that no
 * inventory has. Clear *ret with vfa_stats_clear(). */
int vfa_state_stats(struct vfa_state *state, const struct vfa_config *config, struct vfa_stats *ret,
                    struct vfa_error *err);

#endif
