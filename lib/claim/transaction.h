/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work on claims in one transaction, which is done once more on a new index if it finds nothing.
 */
#ifndef VFA_CLAIM_TRANSACTION_H
#define VFA_CLAIM_TRANSACTION_H

#include "base/common.h"
#include "base/error.h"
#include "host/host.h"

/* Does `work` in a transaction that it commits if `work` returns 0, unless it is only tried (commit
 * false), and else rolls back; returns what `work` does. Work that gets VFA_CLAIM_RESCAN from a
 * function that claims returns that: nothing is free, or the index is of another configuration.
 * Then the hardware is scanned with no transaction open, and `work` is done once more: it makes
 * `data` what it was. Inside an open transaction just does the work. */
typedef int vfa_transaction_fn(struct vfa_host *host, void *data, struct vfa_error *err);
int vfa_transaction_run(struct vfa_host *host, bool commit, vfa_transaction_fn *work, void *data,
                        struct vfa_error *err);

#endif
