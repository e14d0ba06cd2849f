/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See claim-compare.h. */
#include "claim-compare.h"

#include <string.h>

#define AHEAD_SECONDS 60 /* what is from further ahead is of another time */

bool vfa_claim_is_recent(int64_t since, int64_t now, unsigned seconds)
{
    return now - since <= (int64_t)seconds && since - now < AHEAD_SECONDS;
}

bool vfa_claim_unchanged(const struct vfa_claim *a, const struct vfa_claim *b)
{
    return a->state == b->state && a->since == b->since && strcmp(a->device, b->device) == 0;
}

bool vfa_claim_is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout)
{
    return claim->state == VFA_CLAIM_INCOMING && vfa_claim_is_recent(claim->since, now, timeout);
}
