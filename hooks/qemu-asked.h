/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the qemu hook's second half share: qemu-asked.c for domains that start, stop or
 * run, qemu-arrive.c for those that come from elsewhere. */
#ifndef VFA_QEMU_ASKED_H
#define VFA_QEMU_ASKED_H

#include "allocate.h"
#include "operation.h"

/* True if the domain wants something from vfalias, and does not just name host devices of its own.
 */
bool vfa_qemu_asks(const struct vfa_domain *domain);

/* vfa_host_open(), with the journal told of what goes wrong beside the point. */
int vfa_qemu_open_host(const struct vfa_config *config, struct vfa_host *ret,
                       struct vfa_error *err);

/* ---- qemu-arrive.c ---- */
int vfa_qemu_migrate(struct vfa_call *call, struct vfa_error *err);
int vfa_qemu_restore(struct vfa_call *call, struct vfa_error *err);

/* A domain that is not to start: always fails, and says what it would get. */
int vfa_qemu_rehearse(const struct vfa_config *config, const struct vfa_domain *domain,
                      struct vfa_error *err);

#endif
