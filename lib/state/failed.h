/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Failed devices: devices that could not be attached to a guest in VFA_ATTACH_ATTEMPTS attempts
 * (claims.h). The allocation chooses a failed device only if no other device is free. The mark goes
 * when a guest has the device (schema.sql, triggers failed_works and failed_is_there), when a scan
 * does not find the device, or with vfa_state_forget_failed().
 *
 * Results and errors: see state.h.
 */
#ifndef VFA_STATE_FAILED_H
#define VFA_STATE_FAILED_H

#include "base/common.h"
#include "base/error.h"
#include "quarantine.h"
#include "state.h"

/* Marks a device as failed. A newer reason replaces the older one. */
int vfa_state_set_failed(struct vfa_state *state, const char *device, const char *reason,
                         struct vfa_error *err);
/* Removes the marks of all devices. */
int vfa_state_forget_failed(struct vfa_state *state, struct vfa_error *err);
/* True in *ret if the device has failed, or (device NULL) if any device has. */
int vfa_state_has_failed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err);
/* Reads all failed devices, in the form of a quarantine list; the reason is that of the last
 * attempt. Clear *ret with vfa_quarantine_clear(). */
int vfa_state_failures(struct vfa_state *state, struct vfa_quarantine *ret, struct vfa_error *err);

#endif
