/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See verify.h. Each attempt is one transaction; a scan of the hardware runs between two of them. */

#include "verify.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/kind.h"
#include "device/made-name.h"
#include "device/sysfs.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/full.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/claim.h"
#include "claim/hotplug.h"
#include "claim/release.h"
#include "claim/rescan.h"
#include "helpers/shared/log.h"
#include "daemon.h"
#include "pass.h"
#include "plan.h"

#include <errno.h>

static int fail_other(const struct vfa_step *step, bool full, int code, const char *why,
                      struct vfa_error *err)
{
    if (full)
        return vfa_fail(err, code, "%s cannot be made, as its maker is full, and %s",
                        step->claim->device, why);
    return vfa_fail(err, code, "%s is gone, and %s", step->claim->device, why);
}

static void log_other(const struct vfa_pass *pass, const struct vfa_step *step, bool full,
                      const struct vfa_claim *claim)
{
    if (full)
        vfa_log(LOG_INFO, "domain '%s': request '%s': %s is full, claimed %s of %s instead",
                pass->domain->name, step->request->name, step->claim->maker, claim->device,
                claim->maker ? claim->maker : "no maker");
    else
        vfa_log(LOG_INFO, "domain '%s': %s of request '%s' is gone, claimed %s instead",
                pass->domain->name, step->claim->device, step->request->name, claim->device);
}

/* In the transaction of `host`. full: the device cannot be made, as its maker is full. */
static int choose_another(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_host *host,
                          bool full, struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_release(host, pass->uuid, step->request->name, VFA_WHY_REPLACED, NULL, err);

    if (r == 0 && full)
        r = vfa_state_set_full(host->state, step->claim->maker, err);
    if (r < 0)
        return r;
    r = vfa_hotplug_request(host, pass->domain, step->request, &claim, &why);
    if (r < 0)
        return vfa_error_move(err, &why);
    if (r == VFA_CLAIM_RESCAN)
        return r;
    if (r > 0)
        return fail_other(step, full, r == VFA_CLAIM_REFUSED ? ENODEV : EAGAIN,
                          vfa_error_text(&why), err);
    r = vfa_state_commit(host->state, err);
    if (r == 0)
        log_other(pass, step, full, &claim);
    return r;
}

/* scanned: the index was just rebuilt, so another device can be chosen from it. */
static int verify_claim_once(struct vfa_pass *pass, const struct vfa_step *step, bool scanned,
                             struct vfa_device *ret_device, enum vfa_verified *ret,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool same = false;
    int r = vfa_pass_begin(pass, step->claim, &host, &same, err);

    if (r < 0)
        return r;
    host.scanned = scanned;
    *ret = VFA_VERIFIED_CHANGED;
    if (!same)
        return 0;
    r = vfa_kind_read(&host.sysfs, step->claim->device, ret_device, err);
    if (r == VFA_SYSFS_GONE &&
        vfa_made_is_name(pass->uuid, step->request->name, step->claim->device))
        return vfa_fail(err, ENODEV, "%s is gone", step->claim->device); /* so would be the next */
    if (r == VFA_SYSFS_GONE)
        return choose_another(pass, step, &host, false, err);
    vfa_state_rollback(host.state);
    if (r == 0)
        *ret = VFA_VERIFIED;
    return r;
}

static int rescan_host(struct vfa_pass *pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    return r < 0 ? r : vfa_rescan(&host, false, NULL, err);
}

int vfa_pass_verify_claim(struct vfa_pass *pass, const struct vfa_step *step,
                          struct vfa_device *ret_device, enum vfa_verified *ret,
                          struct vfa_error *err)
{
    int r = verify_claim_once(pass, step, false, ret_device, ret, err);

    if (r != VFA_CLAIM_RESCAN)
        return r;
    r = rescan_host(pass, err);
    if (r == 0)
        r = verify_claim_once(pass, step, true, ret_device, ret, err);
    return r == VFA_CLAIM_RESCAN
               ? vfa_fail(err, EAGAIN,
                          "the index was rebuilt meanwhile for another configuration, trying again")
               : r;
}

int vfa_pass_choose_other_maker(struct vfa_pass *pass, const struct vfa_step *step,
                                struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool same = false;
    int r = vfa_pass_begin(pass, step->claim, &host, &same, err);

    if (r < 0 || !same)
        return r;
    host.scanned = true; /* a scan would forget that the maker is full */
    return choose_another(pass, step, &host, true, err);
}
