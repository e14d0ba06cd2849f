/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What workers and holders share: finding the domain, reading its claims, planning the steps. */
#ifndef VFA_VFALIASD_PASS_PLAN_H
#define VFA_VFALIASD_PASS_PLAN_H

#include "base/error.h"
#include "config/config.h"
#include "daemon.h"
#include "pass.h"
#include "plan.h"

#include <libvirt/libvirt.h>

/* Reads the claims and the hold. Call it after libvirt has said that the domain runs, and before
 * its XML is read. */
int vfa_pass_claims(struct vfa_pass *pass, struct vfa_error *err);

/* Finds the domain and calls `at` for it. *ret is valid after that except for what was read:
 * handle, domain and claims are freed. */
int vfa_pass_at(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                const char *uuid, int (*at)(struct vfa_pass *pass, struct vfa_error *err),
                struct vfa_pass *ret, struct vfa_error *err);

/* Plans the steps. The caller frees ret->steps with free(); they point into *pass. */
int vfa_pass_plan(struct vfa_pass *pass, enum vfa_run run, struct vfa_plan *ret,
                  struct vfa_error *err);

#endif
