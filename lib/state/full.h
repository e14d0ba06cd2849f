/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makers that the kernel says are full, although the index counts free slots: others have made
 * devices on them, or the driver has a limit that it does not report.
 *
 * Results and errors: see state.h.
 */
#ifndef VFA_STATE_FULL_H
#define VFA_STATE_FULL_H

#include "base/error.h"
#include "state.h"

/* Takes the free slots of a maker away: it has as many slots as claims use. So the maker has a free
 * slot again as soon as a claim on it ends, and all its slots after the next scan. Call it after the
 * claim that could not be served has ended. Does nothing if the index has no such maker. */
int vfa_state_set_full(struct vfa_state *state, const char *maker, struct vfa_error *err);

/* Takes one slot of a maker away, for a device that stays although its claim ends. The next scan
 * counts such devices itself. A maker without known limit keeps its slots. */
int vfa_state_lose_slot(struct vfa_state *state, const char *maker, struct vfa_error *err);

#endif
