/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts the cleaners that are due: one clean-device for each claim in the state cleaning whose
 * device is not being cleaned. clean-device writes its result to the state.
 *
 * Level-triggered: a pass compares claims with the locks of clean-device (state/lock.h). So this
 * daemon may end at any point. A running cleaner goes on, and the next daemon finds its lock; a
 * cleaner that was killed left its claim unchanged, and is started again. A pass is queued when the
 * state was written, when clean-device closes its lock, and after RETRY_MS while a claim is due.
 *
 * If systemd runs this daemon, clean-device gets a transient unit (helpers/shared/unit.h).
 */

#include "clean.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/release.h"
#include "state/state.h"
#include "helpers/shared/log.h"
#include "helpers/shared/unit.h"
#include "backoff.h"
#include "daemon.h"
#include "queue.h"

#include <limits.h>
#include <string.h>

#define PROGRAM  PKGLIBEXECDIR "/clean-device"
#define UNIT     "vfalias-clean"
#define START_MS 1000 /* until clean-device must have its lock */
#define RETRY_MS 10000
#define SPARE_S  60 /* more than the timeout of the cleaner itself */
#define LOG_KEY  "clean"

static int start_cleaner(struct vfa_daemon *daemon, const struct vfa_config *config,
                         const char *device, struct vfa_error *err)
{
    const struct vfa_unit unit = {.program = PROGRAM,
                                  .name = UNIT,
                                  .object = device,
                                  .does = "cleans",
                                  .max_s = config->clean_timeout + SPARE_S,
                                  .config = daemon->config_path,
                                  .args = {device}};

    vfa_log(LOG_DEBUG, "starting the cleaner of %s", device);
    return vfa_unit_start(&unit, err);
}

/* ---- which cleaners are due ---- */

/* Returns the milliseconds until the next check of the claim; UINT_MAX: only after an event. */
static unsigned clean_if_due(struct vfa_daemon *daemon, const struct vfa_config *config,
                             const struct vfa_claim *claim, struct vfa_error *err)
{
    char key[sizeof(LOG_KEY) + VFA_DEVICE_ID_SIZE];
    unsigned left;
    bool runs;

    if (claim->state != VFA_CLAIM_CLEANING || claim->error)
        return UINT_MAX;
    snprintf(key, sizeof(key), LOG_KEY " %s", claim->device);
    left = vfa_backoff_remaining(daemon->backoff, key);
    if (left > 0)
        return left;
    if (vfa_lock_is_cleaning(config->state_path, claim->device, &runs, err) < 0 || runs)
        return RETRY_MS;
    vfa_backoff_set(daemon->backoff, key,
                    start_cleaner(daemon, config, claim->device, err) < 0 ? RETRY_MS : START_MS);
    return RETRY_MS;
}

static int read_ending(const struct vfa_config *config, struct vfa_claims *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    return r == 0 ? vfa_state_ending(state, ret, err) : r < 0 ? r : 0;
}

void vfa_clean_pass(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    unsigned again = read_ending(config, &ending, &err) < 0 ? RETRY_MS : UINT_MAX;

    for (size_t i = 0; i < ending.n; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
        unsigned next = clean_if_due(daemon, config, &ending.items[i], &why);

        again = next < again ? next : again;
        if (why.code && !err.code)
            vfa_fail(&err, why.code, "cannot start the cleaner of %s: %s", ending.items[i].device,
                     vfa_error_text(&why));
    }
    if (err.code)
        vfa_log_change(LOG_KEY, LOG_ERR, "%s", vfa_error_text(&err));
    else
        vfa_log_forget(LOG_KEY);
    if (again != UINT_MAX)
        vfa_queue_add(daemon->queue, VFA_WORK_CLEAN_KEY, VFA_WORK_CLEAN, again);
}
