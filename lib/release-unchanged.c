/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See release-unchanged.h. The check and the release are one transaction. */
#include "release-unchanged.h"

#include "claim-compare.h"

int vfa_release_unchanged(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                          bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {0};
    const struct vfa_claim *found;
    int r;

    r = vfa_state_begin(host->state, err);
    if (r < 0)
        return r;
    r = vfa_state_claims(host->state, claim->uuid, &now, err);
    found = r < 0 ? NULL : vfa_claims_find(&now, claim->request);
    if (found && vfa_claim_unchanged(found, claim))
        r = vfa_release(host, claim->uuid, claim->request, why, NULL, err);
    else
        found = NULL;
    if (r >= 0)
        r = vfa_state_commit(host->state, err);
    if (r < 0) {
        vfa_state_rollback(host->state);
        return r;
    }
    *ret = found != NULL;
    return 0;
}
