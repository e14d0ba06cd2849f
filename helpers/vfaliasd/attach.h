/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps that change a domain. They log errors and requeue the domain. */
#ifndef VFA_VFALIASD_ATTACH_H
#define VFA_VFALIASD_ATTACH_H

#include "base/common.h"
#include "pass.h"
#include "plan.h"

/* True if the domain's devices have changed: then the XML that was read is outdated. */
bool vfa_pass_attach(struct vfa_pass *pass, const struct vfa_step *step);
void vfa_pass_give_up(struct vfa_pass *pass, const struct vfa_step *step);
void vfa_pass_detach(struct vfa_pass *pass, const struct vfa_step *step);

#endif
