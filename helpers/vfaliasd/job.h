/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether libvirt lets a domain be changed now. */
#ifndef VFA_VFALIASD_JOB_H
#define VFA_VFALIASD_JOB_H

#include "base/common.h"
#include "pass.h"

/* Whether libvirt would let the domain be changed now; asked once a look. False asks for the next
 * look. */
bool vfa_pass_is_free(struct vfa_pass *pass);

/* libvirt has waited in vain for the guest's QEMU: asks for the next look, later each time. */
void vfa_pass_hangs(struct vfa_pass *pass);

#endif
