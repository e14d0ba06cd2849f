/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makers that have fewer slots than the index counts: others have made devices on them, the driver
 * has a limit that it does not report, or a device could not be destroyed. All slots are counted
 * again at the next scan.
 *
 * Results and errors: see state.h. These functions do nothing if the index has no such maker.
 */
#ifndef VFA_STATE_FULL_H
#define VFA_STATE_FULL_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

/* Takes the free slots of a maker away, as the kernel says that it is full: it has as many slots as
 * it has made devices that are on record. So the maker has a free slot again as soon as such a device
 * is destroyed. Call it before the devices are destroyed that the same start has made: they have
 * shown how many fit. */
int vfa_state_set_full(struct vfa_state *state, const char *maker, struct vfa_error *err);

/* Takes one slot of a maker away, for a device that stays although its claim ends. A maker without
 * known limit keeps its slots. */
int vfa_state_lose_slot(struct vfa_state *state, const char *maker, struct vfa_error *err);

/* The number of slots of a maker in the index, which may be fewer than vfa_spec_slots(). *ret is -1
 * if the index has no such maker. */
int vfa_state_slots(struct vfa_state *state, const char *maker, int64_t *ret,
                    struct vfa_error *err);

#endif
