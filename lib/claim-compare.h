/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all readers of claims have to agree on: whether a claim that is read now is the claim that
 * was read before, and how long a claim is waited for. Pure: no state file, no clock.
 */
#ifndef VFA_CLAIM_COMPARE_H
#define VFA_CLAIM_COMPARE_H

#include "state.h"

#define VFA_ATTACH_ATTEMPTS 5 /* after as many failures nobody tries again until asked anew */

/* Whether it was at most so many seconds ago. Clocks are set back at times (a wrong RTC at boot):
 * what is from a minute ahead or more is not. */
bool vfa_claim_is_recent(int64_t since, int64_t now, unsigned seconds);

/* The same device, state and time. */
bool vfa_claim_unchanged(const struct vfa_claim *a, const struct vfa_claim *b);

/* Whether the domain of an incoming claim may still arrive; timeout: the configuration's
 * incoming_timeout. */
bool vfa_claim_is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout);

#endif
