/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether vfaliasd changes a domain, for each kind of job that libvirt reports. */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "host/host.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "check.h"
#include "helpers/vfaliasd/backoff.h"
#include "helpers/vfaliasd/daemon.h"
#include "helpers/vfaliasd/job.h"
#include "helpers/vfaliasd/pass.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <limits.h>

#define UUID "aaaaaaaa-0000-0000-0000-000000000000"

/* ---- replaces the rest of the daemon ---- */

int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err)
{
    return vfa_fail(err, EIO, "there is no host here");
}

/* ---- replaces libvirt ---- */

enum answer {
    ANSWERS,
    FAILS,
    HANGS, /* the call times out */
};

static const struct job_case {
    const char *label;
    int control;
    unsigned long long ms;
    enum answer answer;
    int type, operation; /* -1: libvirt reports no operation */
    bool free, held;
    unsigned again;
    bool asked;
} cases[] = {
    {"none", VIR_DOMAIN_CONTROL_OK, 0, ANSWERS, VIR_DOMAIN_JOB_NONE, -1, true, false, UINT_MAX,
     true},
    {"migrates", VIR_DOMAIN_CONTROL_OK, 0, ANSWERS, VIR_DOMAIN_JOB_UNBOUNDED,
     VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT, false, false, VFA_REQUEUE_BUSY, true},
    {"saved, says an old libvirt", VIR_DOMAIN_CONTROL_OK, 0, ANSWERS, VIR_DOMAIN_JOB_BOUNDED, -1,
     false, false, VFA_REQUEUE_BUSY, true},
    {"backup", VIR_DOMAIN_CONTROL_OK, 0, ANSWERS, VIR_DOMAIN_JOB_UNBOUNDED,
     VIR_DOMAIN_JOB_OPERATION_BACKUP, true, false, UINT_MAX, true},
    {"one that has ended", VIR_DOMAIN_CONTROL_OK, 0, ANSWERS, VIR_DOMAIN_JOB_COMPLETED,
     VIR_DOMAIN_JOB_OPERATION_SAVE, true, false, UINT_MAX, true},
    {"a driver that knows none", VIR_DOMAIN_CONTROL_OK, 0, FAILS, 0, -1, true, false, UINT_MAX,
     true},
    {"hangs", VIR_DOMAIN_CONTROL_OK, 0, HANGS, 0, -1, false, false, VFA_REQUEUE_BUSY, true},
    {"is asked by somebody", VIR_DOMAIN_CONTROL_OCCUPIED, 900, ANSWERS, VIR_DOMAIN_JOB_NONE, -1,
     true, false, UINT_MAX, true},
    {"does not answer somebody", VIR_DOMAIN_CONTROL_OCCUPIED, 1100, ANSWERS, VIR_DOMAIN_JOB_NONE,
     -1, false, false, VFA_REQUEUE_BUSY, false},
    {"has no monitor any more", VIR_DOMAIN_CONTROL_ERROR, 0, ANSWERS, VIR_DOMAIN_JOB_NONE, -1,
     false, false, VFA_REQUEUE_BUSY, false},
    {"is asked within a backup", VIR_DOMAIN_CONTROL_JOB, 99999, ANSWERS, VIR_DOMAIN_JOB_UNBOUNDED,
     VIR_DOMAIN_JOB_OPERATION_BACKUP, true, false, UINT_MAX, true},
    {"has just booted", VIR_DOMAIN_CONTROL_OCCUPIED, 1100, HANGS, 0, -1, true, true, UINT_MAX,
     false},
};
static const struct job_case *now;
static unsigned asked;
static virConnectPtr conn;

int __wrap_virDomainGetControlInfo(virDomainPtr domain, virDomainControlInfoPtr info,
                                   unsigned flags);
int __wrap_virDomainGetControlInfo(virDomainPtr domain, virDomainControlInfoPtr info,
                                   unsigned flags)
{
    *info = (virDomainControlInfo){.state = (unsigned)now->control, .stateTime = now->ms};
    return 0;
}

/* Makes a call to libvirt that fails, so that libvirt sets its last error. */
static int fail(virDomainPtr domain)
{
    virDomainGetXMLDesc(domain, UINT_MAX);
    return -1;
}

int __wrap_virDomainGetJobStats(virDomainPtr domain, int *type, virTypedParameterPtr *params,
                                int *n, unsigned flags);
int __wrap_virDomainGetJobStats(virDomainPtr domain, int *type, virTypedParameterPtr *params,
                                int *n, unsigned flags)
{
    int room = 0;

    asked++;
    if (now->answer != ANSWERS)
        return fail(domain);
    *type = now->type;
    if (now->operation < 0)
        return 0;
    return virTypedParamsAddInt(params, n, &room, VIR_DOMAIN_JOB_OPERATION, now->operation);
}

virErrorPtr __real_virSaveLastError(void);
virErrorPtr __wrap_virSaveLastError(void);
virErrorPtr __wrap_virSaveLastError(void)
{
    virErrorPtr error = __real_virSaveLastError();

    if (error && now->answer == HANGS)
        error->code = VIR_ERR_OPERATION_TIMEOUT;
    return error;
}

/* ---- the passes ---- */

static bool pass(struct vfa_daemon *daemon, virDomainPtr handle, unsigned *ret_again)
{
    struct vfa_domain domain = {.name = (char *)"test"};
    struct vfa_pass pass = {.daemon = daemon,
                            .handle = handle,
                            .uuid = UUID,
                            .domain = &domain,
                            .held = now->held,
                            .requeue_ms = VFA_REQUEUE_NEVER};
    bool is_free = vfa_pass_is_free(&pass);

    CHECK(vfa_pass_is_free(&pass) == is_free, "%s: once a look", now->label);
    *ret_again = pass.requeue_ms;
    return is_free;
}

static void test_case(struct vfa_daemon *daemon, virDomainPtr handle)
{
    unsigned again;

    asked = 0;
    CHECK(pass(daemon, handle, &again) == now->free, "%s", now->label);
    CHECK(again == now->again, "%s: again in %u ms", now->label, again);
    CHECK(asked == now->asked, "%s: asked %u times", now->label, asked);
    vfa_backoff_forget(daemon->backoff, UUID);
}

/* The daemon asks libvirt about a guest that hangs with a growing back-off, also if events come. */
static void test_back_off(struct vfa_daemon *daemon, virDomainPtr handle)
{
    struct vfa_domain domain = {.name = (char *)"test"};
    struct vfa_pass seen = {.daemon = daemon, .uuid = UUID, .domain = &domain};
    unsigned again, last = 0;

    now = &cases[6];
    asked = 0;
    CHECK(!pass(daemon, handle, &again) && again == VFA_REQUEUE_BUSY, "%u", again);
    CHECK(!pass(daemon, handle, &again) && again > 0 && again <= VFA_REQUEUE_BUSY, "%u", again);
    CHECK(asked == 1, "%u", asked);
    for (int i = 0; i < 8; i++) {
        seen.requeue_ms = VFA_REQUEUE_NEVER;
        vfa_pass_hangs(&seen);
        CHECK(seen.requeue_ms > last || seen.requeue_ms == 60000, "%u after %u", seen.requeue_ms,
              last);
        last = seen.requeue_ms;
    }
    CHECK(last == 60000, "%u", last);
    vfa_backoff_forget(daemon->backoff, UUID);
}

int main(void)
{
    struct vfa_daemon daemon = {.backoff = vfa_backoff_new()};
    virDomainPtr handle;

    vfa_log_init("test", LOG_EMERG);
    vfa_virt_quiet();
    conn = virConnectOpen("test:///default");
    handle = conn ? virDomainLookupByName(conn, "test") : NULL;
    if (!handle) {
        printf("libvirt has no driver for tests\n");
        return 77;
    }
    for (now = cases; now < cases + ARRAY_SIZE(cases); now++)
        test_case(&daemon, handle);
    test_back_off(&daemon, handle);
    virDomainFree(handle);
    virConnectClose(conn);
    vfa_backoff_free(daemon.backoff);
    return check_result();
}
