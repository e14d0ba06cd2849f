/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See rescan.h. */

#include "rescan.h"

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "state/index-build.h"
#include "host/host.h"
#include "host/rescan.h"
#include "choose/choose.h"
#include "choose/device-status.h"
#include "choose/verdict-health.h"

int vfa_rescan(struct vfa_host *host, bool check, size_t *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = NULL;
    VFA_AUTO(vfa_freep) struct vfa_checked *checked = NULL;
    int r = vfa_host_scan(host, &inv, err);

    if (r == 0 && check)
        r = vfa_device_status_check(host->config, &host->sysfs, host->state, inv, &checked, err);
    if (r == 0)
        r = vfa_host_install_scan(
            host, inv, checked ? &(struct vfa_index_checks){vfa_verdict_healthy, checked} : NULL,
            err);
    if (r == 0 && ret_n)
        *ret_n = inv->n;
    return r;
}
