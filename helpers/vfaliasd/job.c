/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether libvirt would let a domain be changed now. It has a domain's jobs done one after the
 * other: who asks for one waits for half a minute, then the call fails.
 *
 * Somebody may have the domain saved, copied or migrated away: that takes long, and no event tells
 * of its end when it fails. A backup takes long as well, but libvirt changes the domain meanwhile
 * (qemuBackupBegin() allows jobs that modify).
 *
 * A QEMU that hangs is seen by the job that waits for it (virDomainGetControlInfo() does not wait).
 * If none does, the first call that needs QEMU hangs: crew.h.
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

#define HANGS_MS   1000  /* a job of QEMU's monitor that takes longer */
#define BACKOFF_MS 60000 /* at most, from VFA_REQUEUE_BUSY on */

/* No request has that name. */
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

/* libvirt says for how long one job has waited for QEMU, unless the job is one of many of another
 * that takes long (VIR_DOMAIN_CONTROL_JOB). */
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

/* A driver that knows no jobs has none. */
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
    if (pass->held) /* it has just booted: none of these has begun */
        return true;
    if (pass->job == VFA_JOB_UNKNOWN)
        pass->job = query_job_if_due(pass);
    return pass->job == VFA_JOB_NONE;
}
