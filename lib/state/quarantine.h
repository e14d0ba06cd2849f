/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quarantine: devices that vfalias gives to no domain, whatever the configuration says. Results and
 * errors: see state.h.
 */
#ifndef VFA_STATE_QUARANTINE_H
#define VFA_STATE_QUARANTINE_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

enum vfa_quarantine_cause {
    VFA_QUARANTINE_OTHER,    /* an administrator did it, or the original settings are unknown */
    VFA_QUARANTINE_SETTINGS, /* saved settings could not be restored */
    VFA_QUARANTINE_CLEAN,    /* the cleaner failed, or did not run after the last domain */
    VFA_QUARANTINE_ONCE,     /* the device_spec allows one use only */
};
struct vfa_quarantined {
    char *device;
    enum vfa_quarantine_cause cause;
    char *reason;  /* text for a person */
    int64_t since; /* seconds since the epoch */
};
struct vfa_quarantine {
    struct vfa_quarantined *items; /* sorted by device */
    size_t n;
};
/* Frees the list with its texts; the list is empty then. */
void vfa_quarantine_clear(struct vfa_quarantine *list);

/* Puts a device in quarantine. A row with the cause OTHER does not change: the reason of an
 * administrator is not lost. A row with another cause is replaced. */
int vfa_state_quarantine(struct vfa_state *state, const char *device,
                         enum vfa_quarantine_cause cause, const char *reason,
                         struct vfa_error *err);
/* Puts a device in quarantine for an administrator, with the cause OTHER. Replaces any row. */
int vfa_state_quarantine_by_hand(struct vfa_state *state, const char *device, const char *reason,
                                 struct vfa_error *err);
/* Ends the quarantine of a device. Returns VFA_STATE_ABSENT if the device is not in quarantine.
 * -EEXIST if the device has saved settings and no claim (schema.sql, trigger quarantine_saved). */
int vfa_state_end_quarantine(struct vfa_state *state, const char *device, struct vfa_error *err);
/* Reads the row of one device, or (device NULL) all rows. The list is empty if there is none. Clear
 * *ret with vfa_quarantine_clear(). */
int vfa_state_quarantined(struct vfa_state *state, const char *device, struct vfa_quarantine *ret,
                          struct vfa_error *err);

#endif
