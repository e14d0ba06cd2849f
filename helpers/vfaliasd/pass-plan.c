/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pass-plan.h. Each step opens the state for itself, and closes it before libvirt is called.
 * This is cheap: vfa_state_keep() keeps the files open, so that vfa_state_open() only checks that
 * the file is still the state. */

#include "pass-plan.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/hold.h"
#include "state/meta.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "helpers/shared/virt-error.h"
#include "connection.h"
#include "daemon.h"
#include "pass.h"
#include "plan.h"
#include "turn.h"

#include <time.h>

int vfa_pass_claims(struct vfa_pass *pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_state_counter(host.state, VFA_COUNTER_ENDED, &pass->ended, err);
    if (r == 0)
        r = vfa_state_claims(host.state, pass->uuid, &pass->claims, err);
    if (r == 0)
        r = vfa_state_holds(host.state, pass->uuid, &holds, err);
    if (r == 0 && holds.n > 0)
        pass->hold = holds.items[0];
    return r;
}

int vfa_pass_at(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                const char *uuid, int (*at)(struct vfa_pass *pass, struct vfa_error *err),
                struct vfa_pass *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr handle = virDomainLookupByUUIDString(conn, uuid);
    int r;

    *ret = (struct vfa_pass){.daemon = daemon,
                             .config = config,
                             .handle = handle,
                             .uuid = uuid,
                             .requeue_ms = VFA_REQUEUE_NEVER};
    r = handle ? at(ret, err) : vfa_virt_fail(err, "cannot find domain '%s'", uuid);
    ret->domain = vfa_domain_free(ret->domain);
    vfa_claims_clear(&ret->claims);
    ret->handle = NULL;
    return r;
}

/* The end of a lease holder raises an event; the requeue is in case that got lost. */
static int read_withdrawals(struct vfa_pass *pass, enum vfa_withdrawal **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_freep)
    enum vfa_withdrawal *withdrawn = calloc(pass->domain->n_requests + 1, sizeof(*withdrawn));
    int r;

    if (!withdrawn)
        return vfa_fail_oom(err);
    r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);
    for (size_t i = 0; r == 0 && i < pass->domain->n_requests; i++) {
        r = vfa_state_withdrawal(host.state, pass->uuid, pass->domain->requests[i].name,
                                 &withdrawn[i], err);
        if (withdrawn[i] == VFA_WITHDRAWAL_LEASED)
            vfa_pass_requeue_after(pass, VFA_REQUEUE_WAITING);
    }
    if (r == 0)
        *ret = vfa_steal(&withdrawn);
    return r;
}

int vfa_pass_plan(struct vfa_pass *pass, enum vfa_run run, struct vfa_plan *ret,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) enum vfa_withdrawal *withdrawn = NULL;
    struct vfa_plan_input in = {
        .domain = pass->domain,
        .claims = &pass->claims,
        .now = time(NULL),
        .config = pass->config,
        .run = run,
        .hold = pass->hold.id ? &pass->hold : NULL,
        .connected = vfa_daemon_connected(pass->daemon),
        .age_ms = vfa_turn_age(pass->daemon->turns, pass->uuid),
    };
    int r = read_withdrawals(pass, &withdrawn, err);

    if (r < 0)
        return r;
    in.withdrawn = withdrawn;
    return vfa_plan_make(&in, ret, err);
}
