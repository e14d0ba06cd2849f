/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds: domains whose guest waits, suspended, for the devices that it was started with.
 *
 * `prepare` says that it is to wait; vfaliasd writes down that it holds the guest before it
 * suspends it, and drops the row after it has resumed it. So a row that says held, and a guest that
 * is paused, mean that somebody has to resume it, whoever suspended it and however that one ended.
 */
#ifndef VFA_STATE_HOLD_H
#define VFA_STATE_HOLD_H

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "state.h"

struct vfa_hold {
    int64_t id; /* tells this start from the next one; 0: there is no such row */
    char uuid[VFA_UUID_SIZE];
    bool held;     /* else it is to be, once it runs */
    int64_t since; /* of that; seconds since the epoch */
};
struct vfa_holds {
    struct vfa_hold *items;
    size_t n;
};
void vfa_holds_clear(struct vfa_holds *holds);

/* The domain's guest is to wait; what was said before is void. */
int vfa_state_want_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err);

/* All, or (uuid not NULL) the one of a domain. */
int vfa_state_holds(struct vfa_state *state, const char *uuid, struct vfa_holds *ret,
                    struct vfa_error *err);

/* It is held as of now: *hold says so then. VFA_STATE_ABSENT if the row is another one by now, or
 * gone. */
int vfa_state_begin_hold(struct vfa_state *state, struct vfa_hold *hold, struct vfa_error *err);

/* Drops the row, if it is the same and says the same. None there is fine. */
int vfa_state_end_hold(struct vfa_state *state, const struct vfa_hold *hold, struct vfa_error *err);

/* Drops what there is of a domain that stopped, or starts. */
int vfa_state_forget_hold(struct vfa_state *state, const char *uuid, struct vfa_error *err);

#endif
