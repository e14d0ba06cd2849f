/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebuilding the index from the hardware. A scan takes long on a big host, and the start of one
 * domain must not wait for the scan of another. So the scan runs, and the rows of the index are
 * made, while no transaction is open. An allocation that finds no free device is rolled back for
 * the scan and then repeated.
 *
 * Invariant: the index is that of the scan that began last; a scan that began earlier is discarded.
 * An allocation that finds no device uses a scan that is younger than YOUNG_MS. Scans for
 * allocations run one after the other (STATE.scan is locked), so that many allocations at once make
 * one scan. Lock order: STATE.scan, then the transaction of the state.
 */

#include "rescan.h"

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "state/index-build.h"
#include "state/index.h"
#include "state/meta.h"
#include "state/state.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#define YOUNG_MS 1000
#define WAIT_MS  10000 /* for the scans of other programs; then this program scans as well */
#define POLL_MS  10

/* ---- a scan ---- */

int vfa_host_scan(struct vfa_host *host, struct vfa_inventory **ret, struct vfa_error *err)
{
    int r = vfa_inventory_scan(&host->sysfs, ret, err);

    if (r < 0)
        return r;
    free(host->lacks);
    host->lacks = vfa_steal(&(*ret)->lacks);
    if (host->lacks && host->warn)
        host->warn(host->lacks);
    return 0;
}

/* Reads when the scan of the index began; 0: no scan, another configuration, or a time ahead of
 * vfa_inventory_clock(). */
static int read_scanned(struct vfa_host *host, int64_t *ret, struct vfa_error *err)
{
    bool fresh;
    int r = vfa_state_index_fresh(host->state, host->config, &fresh, err);

    if (r == 0)
        r = vfa_state_index_scanned(host->state, ret, err);
    if (r == 0 && (!fresh || *ret > vfa_inventory_clock()))
        *ret = 0;
    return r;
}

/* Inside a transaction. Counts VFA_COUNTER_FREED up: waiting domains may find a device now. */
static int install_unless_older(struct vfa_host *host, int64_t began, struct vfa_error *err)
{
    int64_t scanned = 0;
    int r = read_scanned(host, &scanned, err);

    if (r < 0 || scanned > began)
        return r;
    r = vfa_state_index_install(host->state, host->config, began, err);
    return r < 0 ? r : vfa_state_count_up(host->state, VFA_COUNTER_FREED, err);
}

int vfa_host_install_scan(struct vfa_host *host, const struct vfa_inventory *inv,
                          const struct vfa_index_checks *checks, struct vfa_error *err)
{
    bool own = false;
    int r = vfa_state_index_prepare(host->state, host->config, inv, checks, err);

    if (r == 0)
        r = vfa_state_join(host->state, &own, err);
    if (r < 0)
        return r;
    return vfa_state_finish(host->state, own, install_unless_older(host, inv->scanned, err), err);
}

/* ---- a scan for an allocation that finds no device ---- */

/* Locks STATE.scan. Returns -1 if scans of other programs take too long, or the file cannot be
 * made: then this program scans without the lock. */
static int lock_scans(const struct vfa_host *host)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    VFA_AUTO(vfa_freep) char *path = NULL;
    VFA_AUTO(vfa_closep) int fd = -1;

    if (vfa_state_is_copy(host->state))
        return -1;
    if (asprintf(&path, "%s.scan", host->config->state_path) < 0) {
        path = NULL;
        return -1;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (int waited = 0; fd >= 0 && waited < WAIT_MS; waited += POLL_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return vfa_steal_fd(&fd);
        nanosleep(&pause, NULL);
    }
    return -1;
}

int vfa_host_rescan_unless_young(struct vfa_host *host, struct vfa_error *err)
{
    int64_t asked = vfa_inventory_clock(), scanned = 0;
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = NULL;
    VFA_AUTO(vfa_closep) int lock = lock_scans(host);
    int r = read_scanned(host, &scanned, err);

    (void)lock; /* held until the return */
    if (r < 0 || (scanned > 0 && scanned + YOUNG_MS > asked))
        return r;
    r = vfa_host_scan(host, &inv, err);
    return r == 0 ? vfa_host_install_scan(host, inv, NULL, err) : r;
}
