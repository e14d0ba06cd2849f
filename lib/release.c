/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See release.h. */
#include "release.h"

#include "netlink.h"
#include "vf-apply.h"

#include <errno.h>

static void tell(const struct vfa_host *host, const char *device, const char *reason)
{
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (!host->warn)
        return;
    if (asprintf(&text, "%s is quarantined: %s", device, reason) < 0)
        text = NULL;
    else
        host->warn(text);
}

int vfa_release_quarantine(struct vfa_host *host, const char *device, const char *reason,
                           struct vfa_error *err)
{
    int r = vfa_state_quarantine(host->state, device, reason, err);

    if (r == 0)
        tell(host, device, reason);
    return r;
}

static int quarantine(struct vfa_host *host, const char *device, const struct vfa_error *why,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *reason = NULL;

    if (asprintf(&reason, "its settings are not what they were before a guest had it: %s",
                 vfa_error_text(why)) < 0) {
        reason = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_release_quarantine(host, device, reason, err);
}

static int set_back(struct vfa_host *host, struct vfa_netlink *nl, const struct vfa_saved *saved,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_vf_undo(&host->sysfs, nl, saved, &why);

    if (r == VFA_VF_REFUSED)
        r = quarantine(host, saved->device, &why, err);
    return r < 0 ? r : vfa_state_forget_saved(host->state, saved->device, err);
}

static int set_back_all(struct vfa_host *host, const struct vfa_saved_of *of, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    VFA_AUTO(vfa_netlink_closep) struct vfa_netlink *nl = NULL;
    int r = vfa_state_saved(host->state, of, &list, err);

    if (r < 0 || list.n == 0)
        return r;
    if (!vfa_sysfs_is_host(&host->sysfs))
        return vfa_fail(err, EPERM, "cannot set back the settings of %s: '%s' is not this host's",
                        list.items[0].device, host->config->sysfs_root);
    r = vfa_netlink_open(&nl, err);
    for (size_t i = 0; r == 0 && i < list.n; i++)
        r = set_back(host, nl, &list.items[i], err);
    return r;
}

enum way { RELEASE, WITHDRAW };

static int drop(struct vfa_host *host, const struct vfa_saved_of *of, enum way way, size_t *ret_n,
                struct vfa_error *err)
{
    bool own;
    int r = vfa_state_enter(host->state, &own, err);

    if (r < 0)
        return r;
    r = set_back_all(host, of, err);
    if (r == 0 && way == WITHDRAW)
        r = vfa_state_withdraw(host->state, of->uuid, of->request, err);
    else if (r == 0 && of->domain)
        r = vfa_state_release_name(host->state, of->domain, ret_n, err);
    else if (r == 0)
        r = vfa_state_release(host->state, of->uuid, of->request, ret_n, err);
    return vfa_state_leave(host->state, own, r, err);
}

int vfa_release(struct vfa_host *host, const char *uuid, const char *request, size_t *ret_n,
                struct vfa_error *err)
{
    const struct vfa_saved_of of = {.uuid = uuid, .request = request};

    return drop(host, &of, RELEASE, ret_n, err);
}

int vfa_release_name(struct vfa_host *host, const char *domain, size_t *ret_n,
                     struct vfa_error *err)
{
    const struct vfa_saved_of of = {.domain = domain};

    return drop(host, &of, RELEASE, ret_n, err);
}

int vfa_release_withdraw(struct vfa_host *host, const char *uuid, const char *request,
                         struct vfa_error *err)
{
    const struct vfa_saved_of of = {.uuid = uuid, .request = request};

    return drop(host, &of, WITHDRAW, NULL, err);
}
