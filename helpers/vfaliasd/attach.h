/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps that change a domain. Errors are handled, not returned. */
#ifndef VFA_VFALIASD_ATTACH_H
#define VFA_VFALIASD_ATTACH_H

#include "base/common.h"
#include "pass.h"
#include "plan.h"

/* True if the domain's devices have changed, so that what was seen is no longer so. */
bool vfa_pass_attach(struct vfa_pass *pass, const struct vfa_step *step);
void vfa_pass_give_up(struct vfa_pass *pass, const struct vfa_step *step);
void vfa_pass_detach(struct vfa_pass *pass, const struct vfa_step *step);

#endif
