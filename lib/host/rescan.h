/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rebuilding the index of the state (state/index-build.h) from the hardware. Errors: see
 * state/state.h. */
#ifndef VFA_HOST_RESCAN_H
#define VFA_HOST_RESCAN_H

#include "base/error.h"
#include "device/inventory.h"
#include "state/index-build.h"
#include "host.h"

/* Scans the hardware. If the devices of a kind cannot be read, host->lacks says why, and host->warn
 * receives it. Free *ret with vfa_inventory_free(). Returns 0, or a negative errno with *err
 * filled. */
int vfa_host_scan(struct vfa_host *host, struct vfa_inventory **ret, struct vfa_error *err);

/* Replaces the index by that of a scan, unless the index is of a scan that began later. checks: the
 * results of the health checks of `inv`, for state/stats.h; may be NULL. Do not call it inside a
 * transaction of a file that other programs use: starts of domains would wait for it. Returns 0, or
 * a negative errno with *err filled. */
int vfa_host_install_scan(struct vfa_host *host, const struct vfa_inventory *inv,
                          const struct vfa_index_checks *checks, struct vfa_error *err);

/* Scans the hardware and replaces the index, for an allocation that finds no free device, unless
 * the index is of a scan that began less than a second ago. Waits up to 10 seconds for scans of
 * other programs. Do not call it inside a transaction. Returns 0, or a negative errno with *err
 * filled. */
int vfa_host_rescan_unless_young(struct vfa_host *host, struct vfa_error *err);

#endif
