/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scanning the hardware for a user.
 */
#ifndef VFA_CLAIM_RESCAN_H
#define VFA_CLAIM_RESCAN_H

#include "base/common.h"
#include "base/error.h"
#include "host/host.h"

/* Scans the hardware and rebuilds the index, unless the index is of a scan that began later.
 * *ret_n, if not NULL, gets the number of devices. Not inside a transaction: a start must not
 * wait for a scan. check: also checks the devices, for state/stats.h, which takes longer than
 * the scan. */
int vfa_rescan(struct vfa_host *host, bool check, size_t *ret_n, struct vfa_error *err);

#endif
