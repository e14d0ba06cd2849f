/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebuilding the index from the hardware.
 */
#ifndef VFA_HOST_RESCAN_H
#define VFA_HOST_RESCAN_H

#include "base/error.h"
#include "device/inventory.h"
#include "state/index-build.h"
#include "host.h"

/* Makes the index that of a scan, unless it is of a scan that began later. checks (may be NULL):
 * what was found of its devices, for state/stats.h. Not inside a transaction of a state that other
 * programs use: a start need not wait for it. */
int vfa_host_install_scan(struct vfa_host *host, const struct vfa_inventory *inv,
                          const struct vfa_index_checks *checks, struct vfa_error *err);

/* Scans for who finds nothing, unless the index is of a scan that began a moment ago. Waits for the
 * scans of others. */
int vfa_host_rescan_unless_young(struct vfa_host *host, struct vfa_error *err);

#endif
