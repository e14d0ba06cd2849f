/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of the qemu hook for domains that come from elsewhere, and for rehearsals. */
#ifndef VFA_QEMU_ARRIVE_H
#define VFA_QEMU_ARRIVE_H

#include "allocate.h"
#include "operation.h"

int vfa_qemu_migrate(struct vfa_call *call, struct vfa_error *err);
int vfa_qemu_restore(struct vfa_call *call, struct vfa_error *err);

/* A domain that is not to start: always fails, and says what it would get. */
int vfa_qemu_rehearse(const struct vfa_config *config, const struct vfa_domain *domain,
                      struct vfa_error *err);

#endif
