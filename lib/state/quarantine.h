/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quarantine: devices that are not given out, whatever the configuration says.
 */
#ifndef VFA_STATE_QUARANTINE_H
#define VFA_STATE_QUARANTINE_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

enum vfa_quarantine_cause {
    VFA_QUARANTINE_OTHER,    /* by hand, or what its settings were is not known */
    VFA_QUARANTINE_SETTINGS, /* what was changed of it could not be put back */
    VFA_QUARANTINE_CLEAN,    /* its cleaner failed, or was not run for who had it */
    VFA_QUARANTINE_ONCE,     /* it is used once */
};
struct vfa_quarantined {
    char *device;
    enum vfa_quarantine_cause cause;
    char *reason;
    int64_t since; /* seconds since the epoch */
};
struct vfa_quarantine {
    struct vfa_quarantined *items; /* by device */
    size_t n;
};
void vfa_quarantine_clear(struct vfa_quarantine *list);

/* What is there with the cause OTHER stays as it is: an administrator's reason is not lost. */
int vfa_state_quarantine(struct vfa_state *state, const char *device,
                         enum vfa_quarantine_cause cause, const char *reason,
                         struct vfa_error *err);
/* An administrator's, with the cause OTHER; replaces what is there. */
int vfa_state_quarantine_by_hand(struct vfa_state *state, const char *device, const char *reason,
                                 struct vfa_error *err);
/* VFA_STATE_ABSENT if it is not in quarantine. Fails where something is still to be put back and
 * no claim stands for that. */
int vfa_state_end_quarantine(struct vfa_state *state, const char *device, struct vfa_error *err);
/* All, or (device not NULL) the one of a device. */
int vfa_state_quarantined(struct vfa_state *state, const char *device, struct vfa_quarantine *ret,
                          struct vfa_error *err);

#endif
