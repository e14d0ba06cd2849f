/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebuilding the index from the hardware, and doing without it for a while: a scan takes long on a
 * big host, and no start must wait for that of another. So a scan is made, and the rows of the
 * index with it, while no transaction is open; what finds nothing free is rolled back for it and
 * done once more.
 *
 * The index is always that of the scan that began last: one that began earlier is thrown away. A
 * start that finds nothing takes a scan that is younger than YOUNG_MS for its own. Scans for starts
 * are made one after the other (STATE.scan is locked), so that many starts that find nothing make
 * one scan. Lock order: STATE.scan, then the state's transaction.
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
#define WAIT_MS  10000 /* for the scans of others; then one more is made */
#define POLL_MS  10

/* ---- a scan ---- */

/* When the scan began that the index is of; 0: never, by another configuration, or it is not known
 * as the clock is another one. */
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

/* In a transaction. What the index has now, somebody may have waited for. */
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

/* ---- a scan for what finds nothing ---- */

/* Locked, or -1: scans of others take too long, or it cannot be made. */
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
    r = vfa_inventory_scan(&host->sysfs, &inv, err);
    return r == 0 ? vfa_host_install_scan(host, inv, NULL, err) : r;
}
