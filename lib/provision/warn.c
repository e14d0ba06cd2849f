/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See private.h. */

#include "base/common.h"
#include "base/error.h"
#include "state/claims.h"
#include "host/host.h"
#include "private.h"

void vfa_provisioner_warn(const struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_error *why)
{
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (!host->warn)
        return;
    if (asprintf(&text, "domain '%s': request '%s': %s", claim->domain, claim->request,
                 vfa_error_text(why)) < 0)
        text = NULL;
    else
        host->warn(text);
}
