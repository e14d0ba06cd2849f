/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Failed devices: those that could not be attached to a guest, however often that was tried. Others
 * are chosen before them, until a guest has the device after all, a scan does not find it, or
 * somebody forgets it.
 */
#ifndef VFA_STATE_FAILED_H
#define VFA_STATE_FAILED_H

#include "base/common.h"
#include "base/error.h"
#include "quarantine.h"
#include "state.h"

int vfa_state_set_failed(struct vfa_state *state, const char *device, const char *reason,
                         struct vfa_error *err);
int vfa_state_forget_failed(struct vfa_state *state, struct vfa_error *err);
/* True in *ret if a device has failed; device NULL: any. */
int vfa_state_has_failed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err);
/* All, in the form of a quarantine; the reason is that of the last attempt. Clear *ret with
 * vfa_quarantine_clear(). */
int vfa_state_failures(struct vfa_state *state, struct vfa_quarantine *ret, struct vfa_error *err);

#endif
