/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Claims for a domain that is about to start. One transaction compares its requests with the state
 * and with sysfs. All or nothing.
 *
 * Each device that the index offers is checked in sysfs before it is claimed. If the index is stale
 * (a device gone or changed, or no device free), the transaction is rolled back, the hardware is
 * scanned with no transaction open, and the transaction runs again.
 */
#ifndef VFA_CLAIM_PREPARE_H
#define VFA_CLAIM_PREPARE_H

#include "base/error.h"
#include "domain/domain.h"
#include "host/host.h"

/* At prepare: forgets what the domain (which is not running) still had, then claims a device for
 * each request and records each host device of the XML. The caller has checked the requests
 * against host->config (vfa_check_requests()); they are not checked a second time.
 *
 * - A request whose device is in the XML gets that device.
 * - A device of the XML that carries ua-vf-NAME and names no usable device refuses the start. If
 *   vfaliasd is running, it is told to look at the definition (vfa_state_set_start_refused()).
 * - An optional request that finds nothing counts as withdrawn, unless it is a late one.
 * - If the guest is to wait for devices that are attached later, vfa_state_want_hold() notes it.
 *
 * 0, VFA_CLAIM_REFUSED or an error; unless 0 nothing changed. */
int vfa_prepare_domain(struct vfa_host *host, const struct vfa_domain *domain,
                       struct vfa_error *err);

#endif
