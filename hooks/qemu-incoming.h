/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of the qemu hook for domains that come from elsewhere, and for rehearsals. */
#ifndef VFA_HOOKS_QEMU_INCOMING_H
#define VFA_HOOKS_QEMU_INCOMING_H

#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "handler.h"

int vfa_qemu_migrate(struct vfa_call *call, struct vfa_error *err);
int vfa_qemu_restore(struct vfa_call *call, struct vfa_error *err);

/* A domain that is not to start: always fails, and says what it would get. */
int vfa_qemu_rehearse(const struct vfa_config *config, const struct vfa_domain *domain,
                      struct vfa_error *err);

#endif
