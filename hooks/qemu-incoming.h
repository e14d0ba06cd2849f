/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions of the qemu hook for incoming domains and rehearsals. */
#ifndef VFA_HOOKS_QEMU_INCOMING_H
#define VFA_HOOKS_QEMU_INCOMING_H

#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "handler.h"

int vfa_qemu_migrate(struct vfa_call *call, struct vfa_error *err);
int vfa_qemu_restore(struct vfa_call *call, struct vfa_error *err);

/* Handles a rehearsal: always fails, and the error says which devices the domain would get. */
int vfa_qemu_rehearse(const struct vfa_config *config, const struct vfa_domain *domain,
                      struct vfa_error *err);

#endif
