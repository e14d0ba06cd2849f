/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is vfaliasd there? It holds an open-file-description lock on STATE.lock beside the state file for
 * as long as it lives, so that being killed counts as being gone. Asking takes nothing:
 * F_OFD_GETLK.
 */
#ifndef VFA_PRESENCE_H
#define VFA_PRESENCE_H

#include "error.h"

enum {
    VFA_PRESENCE_TAKEN = 1, /* another daemon has it */
};

/* The daemon's side: *ret_fd holds the lock until it is closed. 0, VFA_PRESENCE_TAKEN or an error.
 */
int vfa_presence_take(const char *state_path, int *ret_fd, struct vfa_error *err);

/* Everybody else's: true in *ret if a daemon has the lock. */
int vfa_presence_ask(const char *state_path, bool *ret, struct vfa_error *err);

#endif
