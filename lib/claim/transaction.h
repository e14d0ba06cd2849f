/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work on claims in one transaction, which runs again on a new index if it finds nothing.
 */
#ifndef VFA_CLAIM_TRANSACTION_H
#define VFA_CLAIM_TRANSACTION_H

#include "base/common.h"
#include "base/error.h"
#include "host/host.h"

/* Runs `work` in a transaction, and returns its result. Commits if that is 0 and `commit` is true,
 * else rolls back. Work that gets VFA_CLAIM_RESCAN from a function that claims (no device is free,
 * or the index is of another configuration) returns it. Then the hardware is scanned with no
 * transaction open, and `work` runs again: it has to reset `data` first. Inside an open transaction
 * only runs the work. */
typedef int vfa_transaction_fn(struct vfa_host *host, void *data, struct vfa_error *err);
int vfa_transaction_run(struct vfa_host *host, bool commit, vfa_transaction_fn *work, void *data,
                        struct vfa_error *err);

#endif
