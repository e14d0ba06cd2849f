/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See transaction.h. */

#include "transaction.h"

#include "base/error.h"
#include "state/state.h"
#include "host/host.h"
#include "host/rescan.h"
#include "claim.h"

#include <errno.h>

#define TRIES 4

/* Ends the transaction: commits, or rolls back if it is only tried or failed. Returns r. */
static int leave(struct vfa_host *host, bool commit, int r, struct vfa_error *err)
{
    if (r == 0 && commit)
        r = vfa_state_commit(host->state, err);
    vfa_state_rollback(host->state);
    return r;
}

int vfa_transaction_run(struct vfa_host *host, bool commit, vfa_transaction_fn *work, void *data,
                        struct vfa_error *err)
{
    int r = VFA_CLAIM_RESCAN;

    if (vfa_state_is_open(host->state))
        return work(host, data, err);
    host->scanned = false;
    for (int i = 0; i < TRIES && r == VFA_CLAIM_RESCAN; i++) {
        host->scanned = i > 0;
        r = i > 0 ? vfa_host_rescan_unless_young(host, err) : 0;
        if (r == 0)
            r = vfa_state_begin(host->state, err);
        if (r == 0)
            r = leave(host, commit, work(host, data, err), err);
    }
    if (r == VFA_CLAIM_RESCAN)
        return vfa_fail(
            err, EAGAIN,
            "programs with different configurations keep replacing the index of '%s': give all of them the same configuration",
            host->config->state_path);
    return r;
}
