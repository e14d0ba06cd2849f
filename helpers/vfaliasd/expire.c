/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ends hold_timeout when the holder cannot make a pass: another program has locked the state file,
 * or a worker that waits for that lock has the guest's turn. This needs only what the daemon keeps
 * in memory (turn.h). The row is deleted when the state can be written again.
 *
 * Never done while a worker waits in libvirt for an attach: libvirt would not resume the guest, and
 * this thread would wait as long. The worker queues the guest for a holder after the attach.
 */

#include "expire.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "daemon.h"
#include "pass.h"
#include "plan.h"
#include "turn.h"

#include <limits.h>

void vfa_hold_log_expired(const char *name, const struct vfa_config *config)
{
    vfa_log(
        LOG_WARNING,
        "domain '%s': resumed after %u seconds (hold_timeout), not all of its devices are attached",
        name, config->hold_timeout);
}

/* Does nothing if the guest is of another start, or not suspended: the next pass handles that. */
static int resume_expired(struct vfa_daemon *daemon, virDomainPtr handle,
                          const struct vfa_config *config, const char *uuid, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_ON;
    int r;

    if (virDomainGetID(handle) != vfa_turn_held(daemon->turns, uuid))
        return 0;
    r = vfa_pass_run(handle, &run, err);
    if (r != 0 || run != VFA_RUN_PAUSED)
        return r < 0 ? r : 0;
    r = vfa_pass_resume(handle, err);
    if (r < 0)
        return r;
    vfa_turn_hold(daemon->turns, uuid, 0, 0);
    vfa_hold_log_expired(virDomainGetName(handle), config);
    return 0;
}

unsigned vfa_hold_expire(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr handle = NULL;
    int64_t age = vfa_turn_held_for(daemon->turns, uuid);
    int64_t left = (int64_t)config->hold_timeout * 1000 - age;

    if (age < 0)
        return VFA_REQUEUE_NEVER;
    if (left > 0)
        return (unsigned)left;
    if (vfa_turn_attaches(daemon->turns, uuid))
        return VFA_REQUEUE_NEVER;
    handle = virDomainLookupByUUIDString(conn, uuid);
    if (!handle) /* an event comes when a domain ends */
        return VFA_REQUEUE_NEVER;
    if (resume_expired(daemon, handle, config, uuid, &err) == 0)
        return VFA_REQUEUE_NEVER;
    vfa_log_change(uuid, LOG_ERR, "%s", vfa_error_text(&err));
    return VFA_REQUEUE_BUSY;
}
