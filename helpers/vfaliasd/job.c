/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether libvirt would let a domain be changed now. libvirt runs the jobs of a domain one after
 * the other: a call waits for half a minute for the running job, then fails.
 *
 * Saving, copying or migrating a domain takes long, and no event comes when it fails. A backup
 * takes long too, but libvirt lets the domain be changed meanwhile (qemuBackupBegin() allows jobs
 * that modify).
 *
 * virDomainGetControlInfo() does not wait: it shows a hanging QEMU by the job that waits for QEMU.
 * If no job waits, the first call that needs QEMU hangs: see crew.h.
 */

#include "job.h"

#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "backoff.h"
#include "crew.h"
#include "pass.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define HANGS_MS   1000  /* a monitor command that takes longer counts as hanging */
#define BACKOFF_MS 60000 /* limit of the back-off, which begins with VFA_REQUEUE_BUSY */

/* A request's name has no space, so this key is not that of a request. */
static const char *job_key(const struct vfa_pass *pass, char *buf)
{
    return vfa_pass_key(pass, " job", buf);
}

void vfa_pass_hangs(struct vfa_pass *pass)
{
    char key[VFA_PASS_KEY_SIZE];

    vfa_log_change(job_key(pass, key), LOG_WARNING,
                   "domain '%s': its QEMU does not answer libvirt, its devices wait for that",
                   pass->domain->name);
    vfa_pass_requeue_after(
        pass, vfa_backoff_grow(pass->daemon->backoff, key, VFA_REQUEUE_BUSY, BACKOFF_MS));
}

/* stateTime is how long a job has waited for QEMU. VIR_DOMAIN_CONTROL_JOB has no such time: it is a
 * long job that consists of many monitor commands. */
static bool qemu_hangs(virDomainPtr handle)
{
    virDomainControlInfo info;

    if (virDomainGetControlInfo(handle, &info, 0) < 0)
        return false;
    return info.state == VIR_DOMAIN_CONTROL_ERROR ||
           (info.state == VIR_DOMAIN_CONTROL_OCCUPIED && info.stateTime > HANGS_MS);
}

static bool is_in_the_way(int type, virTypedParameterPtr params, int n)
{
    int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

    if (type != VIR_DOMAIN_JOB_BOUNDED && type != VIR_DOMAIN_JOB_UNBOUNDED)
        return false;
    if (virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation) < 0)
        return true;
    return operation != VIR_DOMAIN_JOB_OPERATION_BACKUP;
}

/* A driver that does not support jobs has none. */
static enum vfa_job query_job(struct vfa_pass *pass)
{
    virTypedParameterPtr params = NULL;
    int type = VIR_DOMAIN_JOB_NONE, n = 0;
    bool busy;

    if (qemu_hangs(pass->handle)) {
        vfa_pass_hangs(pass);
        return VFA_JOB_BUSY;
    }
    vfa_crew_leave(pass->daemon->crew);
    if (virDomainGetJobStats(pass->handle, &type, &params, &n, 0) < 0) {
        if (vfa_virt_fail(NULL, "job") != -ETIMEDOUT)
            return VFA_JOB_NONE;
        vfa_pass_hangs(pass);
        return VFA_JOB_BUSY;
    }
    busy = is_in_the_way(type, params, n);
    virTypedParamsFree(params, n);
    if (busy)
        vfa_pass_requeue_after(pass, VFA_REQUEUE_BUSY);
    return busy ? VFA_JOB_BUSY : VFA_JOB_NONE;
}

static enum vfa_job query_job_if_due(struct vfa_pass *pass)
{
    char key[VFA_PASS_KEY_SIZE];
    unsigned left = vfa_backoff_remaining(pass->daemon->backoff, job_key(pass, key));
    enum vfa_job job;

    if (left > 0) {
        vfa_pass_requeue_after(pass, left);
        return VFA_JOB_BUSY;
    }
    job = query_job(pass);
    if (job == VFA_JOB_NONE) {
        vfa_backoff_forget(pass->daemon->backoff, key);
        vfa_log_forget(key);
    }
    return job;
}

bool vfa_pass_is_free(struct vfa_pass *pass)
{
    if (pass->held) /* the guest was suspended at its boot: no such job has begun */
        return true;
    if (pass->job == VFA_JOB_UNKNOWN)
        pass->job = query_job_if_due(pass);
    return pass->job == VFA_JOB_NONE;
}
