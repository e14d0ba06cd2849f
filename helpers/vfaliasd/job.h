/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether libvirt would let a domain be changed now. */
#ifndef VFA_VFALIASD_JOB_H
#define VFA_VFALIASD_JOB_H

#include "base/common.h"
#include "pass.h"

/* Whether libvirt would let the domain be changed now. Asks libvirt once a pass. If false, requeues
 * the domain. */
bool vfa_pass_is_free(struct vfa_pass *pass);

/* libvirt's call timed out since the guest's QEMU does not answer: requeues with back-off. */
void vfa_pass_hangs(struct vfa_pass *pass);

#endif
