/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finishes the claims that are being released (claim/release.h): those that a killed program left,
 * and those whose driver refused for now. It has its own key in the queue, since it does not need
 * libvirt. It runs when the daemon starts, after each write to the state file, and when the next
 * attempt is due. That time is read from the claims, so that neither a restart nor the daemon's own
 * writes change it.
 */

#include "release.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/release.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/release.h"
#include "helpers/shared/log.h"
#include "daemon.h"
#include "queue.h"

#define RETRY_MS 5000 /* after an error of the state file or of memory */

/* Opens the state for reading only: most writes to it concern no release. */
static int is_needed(const struct vfa_config *config, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_ending(state, &ending, err);
    *ret = r == 0 && ending.n > 0;
    return r < 0 ? r : 0;
}

static int finish_releases(struct vfa_daemon *daemon, const struct vfa_config *config,
                           struct vfa_release_left *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(daemon, config, &host, err);

    return r == 0 ? vfa_release_finish(&host, VFA_RELEASE_ONCE, ret, err) : r;
}

void vfa_daemon_release(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_release_left left = {0};
    bool needed = false;
    unsigned again = 0;
    int r = is_needed(config, &needed, &err);

    if (r == 0 && needed)
        r = finish_releases(daemon, config, &left, &err);
    if (r < 0)
        vfa_log_change(VFA_WORK_RELEASE_KEY, LOG_ERR, "%s", vfa_error_text(&err));
    else
        vfa_log_forget(VFA_WORK_RELEASE_KEY);
    if (r < 0)
        again = RETRY_MS;
    else if (left.n > 0)
        again = left.due_s * 1000;
    if (again > 0)
        vfa_queue_add(daemon->queue, VFA_WORK_RELEASE_KEY, VFA_WORK_RELEASE, again);
}
