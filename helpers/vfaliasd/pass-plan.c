/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pass-plan.h. Each step opens the state for itself: none has it open while libvirt is
 * asked. */

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

int vfa_look_claims(struct vfa_look *look, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};
    int r = vfa_daemon_open_host(look->daemon, look->config, &host, err);

    if (r == 0)
        r = vfa_state_counter(host.state, VFA_COUNTER_ENDED, &look->ended, err);
    if (r == 0)
        r = vfa_state_claims(host.state, look->uuid, &look->claims, err);
    if (r == 0)
        r = vfa_state_holds(host.state, look->uuid, &holds, err);
    if (r == 0 && holds.n > 0)
        look->hold = holds.items[0];
    return r;
}

int vfa_look_at(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config,
                const char *uuid, int (*at)(struct vfa_look *look, struct vfa_error *err),
                struct vfa_look *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr handle = virDomainLookupByUUIDString(conn, uuid);
    int r;

    *ret = (struct vfa_look){
        .daemon = daemon, .config = config, .handle = handle, .uuid = uuid, .again = VFA_LOOK_DONE};
    r = handle ? at(ret, err) : vfa_virt_fail(err, "cannot find domain '%s'", uuid);
    ret->domain = vfa_domain_free(ret->domain);
    vfa_claims_clear(&ret->claims);
    ret->handle = NULL;
    return r;
}

/* The end of a borrower wakes the daemon; the later look is for when that got lost. */
static int read_withdrawn(struct vfa_look *look, enum vfa_withdrawal **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_freep)
    enum vfa_withdrawal *withdrawn = calloc(look->domain->n_requests + 1, sizeof(*withdrawn));
    int r;

    if (!withdrawn)
        return vfa_fail_oom(err);
    r = vfa_daemon_open_host(look->daemon, look->config, &host, err);
    for (size_t i = 0; r == 0 && i < look->domain->n_requests; i++) {
        r = vfa_state_withdrawal(host.state, look->uuid, look->domain->requests[i].name,
                                 &withdrawn[i], err);
        if (withdrawn[i] == VFA_WITHDRAWAL_BORROWED)
            vfa_look_again(look, VFA_LOOK_WAITING);
    }
    if (r == 0)
        *ret = vfa_steal(&withdrawn);
    return r;
}

int vfa_look_plan(struct vfa_look *look, enum vfa_run run, struct vfa_plan *ret,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) enum vfa_withdrawal *withdrawn = NULL;
    struct vfa_plan_input in = {
        .domain = look->domain,
        .claims = &look->claims,
        .now = time(NULL),
        .config = look->config,
        .run = run,
        .hold = look->hold.id ? &look->hold : NULL,
        .connected = vfa_daemon_connected(look->daemon),
        .age_ms = vfa_turn_age(look->daemon->turns, look->uuid),
    };
    int r = read_withdrawn(look, &withdrawn, err);

    if (r < 0)
        return r;
    in.withdrawn = withdrawn;
    return vfa_plan_make(&in, ret, err);
}
