/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See provisioner.h: the table, and the order that is the same for all its rows. This file knows
 * the lock, the claim and the transaction; a row knows the device.
 */

#include "provisioner.h"

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "device/kind.h"
#include "device/netlink.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "made.h"
#include "pci-steps.h"
#include "private.h"
#include "vf-apply.h"

#include <errno.h>
#include <string.h>

static int undo_pci(struct vfa_host *host, struct vfa_netlink *nl, const struct vfa_saved *saved,
                    struct vfa_error *err)
{
    return vfa_pci_undo(&host->sysfs, nl, saved, err);
}

static int undo_made(struct vfa_host *host, struct vfa_netlink *nl, const struct vfa_saved *saved,
                     struct vfa_error *err)
{
    return vfa_made_undo(host, saved, err);
}

/* libvirt does all. */
static int undo_nothing(struct vfa_host *host, struct vfa_netlink *nl,
                        const struct vfa_saved *saved, struct vfa_error *err)
{
    return 0;
}

static const struct vfa_provisioner provisioners[] = {
    {
        .kind = VFA_KIND_PCI,
        .steps =
            {
                [VFA_STEP_BEFORE_ATTACH] = {vfa_pci_is_wanted, vfa_pci_plan, vfa_pci_apply, true},
                [VFA_STEP_AFTER_ATTACH] = {vfa_vf_is_vlan_wanted, vfa_vf_plan_vlan,
                                           vfa_vf_apply_vlan, false},
            },
        .undo = undo_pci,
    },
    {
        .kind = VFA_KIND_VDPA,
        .steps = {[VFA_STEP_BEFORE_ATTACH] = {vfa_made_is_wanted, vfa_made_plan, vfa_made_apply,
                                              true}},
        .undo = undo_made,
    },
    {
        .kind = VFA_KIND_MDEV,
        .steps = {[VFA_STEP_BEFORE_ATTACH] = {vfa_made_is_wanted, vfa_made_plan, vfa_made_apply,
                                              true}},
        .undo = undo_made,
    },
    {
        .kind = VFA_KIND_BRIDGE,
        .undo = undo_nothing,
    },
};

/* NULL, with *err, if the device is of no kind that this version knows. */
static const struct vfa_provisioner *find_provisioner(const char *device, struct vfa_error *err)
{
    const struct vfa_kind *kind = vfa_kind_of(device);

    for (size_t i = 0; kind && i < ARRAY_SIZE(provisioners); i++) {
        if (strcmp(provisioners[i].kind, kind->name) == 0)
            return &provisioners[i];
    }
    vfa_kind_fail(device, err);
    return NULL;
}

/* ---- the order ---- */

/* Another program that changes this device is done soon. */
static int lock_claimed(struct vfa_job *job, int *ret_fd, struct vfa_error *err)
{
    const char *state_path = job->host->config->state_path;
    int r;

    job->patience = vfa_patience_begin(VFA_PROVISIONER_PATIENCE_MS);
    do
        r = vfa_lock_device(state_path, job->claim->device, ret_fd, err);
    while (r == VFA_LOCK_TAKEN && vfa_patience_wait(&job->patience));
    if (r == VFA_LOCK_TAKEN)
        return vfa_fail(err, EBUSY, "cannot set %s up: another program is at work on it",
                        job->claim->device);
    return r;
}

/* 0, VFA_VF_STALE or an error. */
static int check_claimed(const struct vfa_job *job, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    const struct vfa_claim *claim = job->claim, *found;
    int r = vfa_state_claims(job->host->state, claim->uuid, &claims, err);

    if (r < 0)
        return r;
    found = vfa_claims_find(&claims, claim->request);
    if (!found || found->since != claim->since || strcmp(found->device, claim->device) != 0)
        return VFA_VF_STALE;
    return 0;
}

static bool is_empty(const struct vfa_saved *saved)
{
    return !vfa_saved_has_vf(saved) && saved->attributes.n == 0 && !saved->recipe;
}

static int save_committed(struct vfa_job *job, struct vfa_error *err)
{
    struct vfa_state *state = job->host->state;
    int r = vfa_state_begin(state, err);

    if (r < 0)
        return r;
    r = check_claimed(job, err);
    if (r == 0 && !is_empty(&job->saved))
        r = vfa_state_save(state, &job->saved, err);
    return vfa_state_finish(state, true, r, err);
}

/* What cannot be undone stays saved: the release of the claim tries again. */
static int undo_job(struct vfa_job *job, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    struct vfa_state *state = job->host->state;
    int r = vfa_state_saved(state, job->claim->device, &list, err);

    if (r == 0 && list.n > 0 &&
        job->provisioner->undo(job->host, job->nl, &list.items[0], NULL) == 0)
        r = vfa_state_forget_saved(state, job->claim->device, err);
    return r;
}

/* After an error a kernel that may hang is not called again at once: the device is on record, and the
 * next attempt makes it anew, or the release of the claim destroys it. */
static bool is_undone_at_once(const struct vfa_job *job, const struct vfa_step_functions *step,
                              int result)
{
    return step->undo_refused && (result > 0 || !job->claim->maker);
}

static int apply_planned(struct vfa_job *job, const struct vfa_step_functions *step,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int undone = 0, r = step->apply(job, &why);

    if (r == 0)
        return 0;
    if (is_undone_at_once(job, step, r))
        undone = undo_job(job, err);
    if (undone < 0)
        return undone;
    vfa_error_move(err, &why);
    return r;
}

static int run_under_lock(struct vfa_job *job, const struct vfa_step_functions *step,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_lock_endp) int lock = -1;
    int r = lock_claimed(job, &lock, err);

    if (r == 0)
        r = check_claimed(job, err);
    if (r == 0)
        r = step->plan(job, err);
    if (r == 0)
        r = save_committed(job, err);
    return r == 0 ? apply_planned(job, step, err) : r;
}

static void step_job_clear(struct vfa_job *job)
{
    vfa_saved_clear(&job->saved);
    job->nl = vfa_netlink_close(job->nl);
}

static int run_step(unsigned number, struct vfa_host *host, const struct vfa_claim *claim,
                    const struct vfa_desired *desired, struct vfa_error *err)
{
    const struct vfa_provisioner *provisioner = find_provisioner(claim->device, err);
    VFA_AUTO(step_job_clear)
    struct vfa_job job = {.provisioner = provisioner,
                          .host = host,
                          .claim = claim,
                          .desired = desired,
                          .saved = {.up = VFA_SAVED_NONE}};
    const struct vfa_step_functions *step = provisioner ? &provisioner->steps[number] : NULL;

    if (!step)
        return -ENOTSUP;
    snprintf(job.saved.device, sizeof(job.saved.device), "%s", claim->device);
    return step->is_wanted && step->is_wanted(&job) ? run_under_lock(&job, step, err) : 0;
}

/* ---- by kind ---- */

int vfa_provisioner_apply(struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_desired *desired, struct vfa_error *err)
{
    return run_step(VFA_STEP_BEFORE_ATTACH, host, claim, desired, err);
}

int vfa_provisioner_after_attach(struct vfa_host *host, const struct vfa_claim *claim,
                                 const struct vfa_desired *desired, struct vfa_error *err)
{
    return run_step(VFA_STEP_AFTER_ATTACH, host, claim, desired, err);
}

int vfa_provisioner_undo(struct vfa_host *host, struct vfa_netlink *nl,
                         const struct vfa_saved *saved, struct vfa_error *err)
{
    const struct vfa_provisioner *provisioner = find_provisioner(saved->device, err);

    return provisioner ? provisioner->undo(host, nl, saved, err) : -ENOTSUP;
}
