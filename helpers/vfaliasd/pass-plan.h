/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker and a holder do alike: they find the domain, read its claims, and plan. */
#ifndef VFA_VFALIASD_PASS_PLAN_H
#define VFA_VFALIASD_PASS_PLAN_H

#include "base/error.h"
#include "config/config.h"
#include "daemon.h"
#include "pass.h"
#include "plan.h"

#include <libvirt/libvirt.h>

/* The claims and the hold: to be read once the domain is known to run, and before its XML. */
int vfa_pass_claims(struct vfa_pass *pass, struct vfa_error *err);

/* Looks at the domain as `at` does. *ret says then what is wanted next; what was read is gone. */
int vfa_pass_at(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                const char *uuid, int (*at)(struct vfa_pass *pass, struct vfa_error *err),
                struct vfa_pass *ret, struct vfa_error *err);

/* What there is to do. free() ret->steps, which borrow from *look. */
int vfa_pass_plan(struct vfa_pass *pass, enum vfa_run run, struct vfa_plan *ret,
                  struct vfa_error *err);

#endif
