/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds: domains whose guest is suspended at power-on until it has its devices.
 *
 * `prepare` adds the row. vfaliasd sets `held` before it suspends the guest, and deletes the row
 * after it has resumed the guest. So if a row has `held` and the guest is paused, vfaliasd must
 * resume the guest, even if another vfaliasd suspended it and was killed.
 *
 * Results and errors: see state.h.
 */
#ifndef VFA_STATE_HOLD_H
#define VFA_STATE_HOLD_H

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "state.h"

struct vfa_hold {
    int64_t id; /* differs for each start of a domain; 0: no row */
    char uuid[VFA_UUID_SIZE];
    bool held;     /* false: the guest is to be suspended once it runs */
    int64_t since; /* when `held` got its value, in seconds since the epoch */
};
struct vfa_holds {
    struct vfa_hold *items;
    size_t n;
};
/* Frees the list; the list is empty then. */
void vfa_holds_clear(struct vfa_holds *holds);

/* Adds a row for a domain that starts. An older row of the domain is replaced. */
int vfa_state_want_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err);

/* Reads the row of one domain, or (uuid NULL) all rows, sorted by id. Clear *ret with
 * vfa_holds_clear(). */
int vfa_state_holds(struct vfa_state *state, const char *uuid, struct vfa_holds *ret,
                    struct vfa_error *err);

/* Sets `held`, in the file and in *hold. `since` becomes now, unless the row had `held`. Returns
 * VFA_STATE_ABSENT if the row is gone or is not as in *hold. */
int vfa_state_begin_hold(struct vfa_state *state, struct vfa_hold *hold, struct vfa_error *err);

/* Deletes the row if it is as in *hold. Returns 0 as well if it is not. */
int vfa_state_end_hold(struct vfa_state *state, const struct vfa_hold *hold, struct vfa_error *err);

/* Deletes the row of a domain that stopped or starts. Returns 0 as well if there is none. */
int vfa_state_forget_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err);

#endif
