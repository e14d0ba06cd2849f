/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the steps of a pass (pass.h) share: the requeue time, the domain's state in libvirt, and the
 * check that a claim has not changed since it was read.
 */

#include "pass.h"

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "helpers/shared/virt-error.h"
#include "daemon.h"
#include "plan.h"

#include <string.h>

void vfa_pass_requeue_after(struct vfa_pass *pass, unsigned ms)
{
    if (ms < pass->requeue_ms)
        pass->requeue_ms = ms;
}

const char *vfa_pass_key(const struct vfa_pass *pass, const char *request, char *buf)
{
    snprintf(buf, VFA_PASS_KEY_SIZE, "%s/%s", pass->uuid, request);
    return buf;
}

/* libvirt writes an id into the <domain> element of the live XML only, not of a definition. */
static bool is_live(const char *xml)
{
    const char *start = strstr(xml, "<domain ");
    const char *end = start ? strchr(start, '>') : NULL;
    const char *id = start ? strstr(start, " id='") : NULL;

    return id && end && id < end;
}

int vfa_pass_read(virDomainPtr handle, struct vfa_domain **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *xml = virDomainGetXMLDesc(handle, 0);

    if (!xml)
        return vfa_virt_fail(err, "cannot read the XML of domain '%s'", virDomainGetName(handle));
    if (!is_live(xml))
        return VFA_RECONCILE_NOT_RUNNING;
    if (vfa_domxml_parse(xml, strlen(xml), ret, err) < 0)
        return vfa_wrap(err, "domain '%s'", virDomainGetName(handle));
    return 0;
}

int vfa_pass_begin(struct vfa_pass *pass, const struct vfa_claim *claim, struct vfa_host *host,
                   bool *ret_same, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {0};
    const struct vfa_claim *found;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, host, err);

    if (r == 0)
        r = vfa_state_begin(host->state, err);
    if (r == 0)
        r = vfa_state_claims(host->state, pass->uuid, &now, err);
    if (r < 0)
        return r;
    found = vfa_claims_find(&now, claim->request);
    *ret_same = found && vfa_claim_unchanged(found, claim);
    if (!*ret_same)
        vfa_state_rollback(host->state);
    return 0;
}

/* Devices can be attached to a guest that its user has paused. */
static int run_of_paused(int reason, enum vfa_run *ret)
{
    switch (reason) {
    case VIR_DOMAIN_PAUSED_MIGRATION:
    case VIR_DOMAIN_PAUSED_SAVE:
    case VIR_DOMAIN_PAUSED_DUMP:
    case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
    case VIR_DOMAIN_PAUSED_SNAPSHOT:
    case VIR_DOMAIN_PAUSED_STARTING_UP:
    case VIR_DOMAIN_PAUSED_POSTCOPY:
    case VIR_DOMAIN_PAUSED_POSTCOPY_FAILED:
        return VFA_PASS_IN_BETWEEN;
    case VIR_DOMAIN_PAUSED_USER:
    case VIR_DOMAIN_PAUSED_UNKNOWN: /* libvirtd did not run when the guest was paused */
        *ret = VFA_RUN_PAUSED;
        return 0;
    default:
        *ret = VFA_RUN_STUCK;
        return 0;
    }
}

int vfa_pass_run(virDomainPtr handle, enum vfa_run *ret, struct vfa_error *err)
{
    int state, reason;

    if (virDomainGetState(handle, &state, &reason, 0) < 0)
        return vfa_virt_fail(err, "cannot ask for the state of domain '%s'",
                             virDomainGetName(handle));
    switch (state) {
    case VIR_DOMAIN_SHUTDOWN:
    case VIR_DOMAIN_SHUTOFF: /* with live XML: libvirt is starting the domain */
        return VFA_PASS_IN_BETWEEN;
    case VIR_DOMAIN_PAUSED:
        return run_of_paused(reason, ret);
    case VIR_DOMAIN_RUNNING:
        *ret = reason == VIR_DOMAIN_RUNNING_BOOTED ? VFA_RUN_BOOTED : VFA_RUN_ON;
        return 0;
    default: /* crashed, asleep */
        *ret = VFA_RUN_STUCK;
        return 0;
    }
}

int vfa_pass_resume(virDomainPtr handle, struct vfa_error *err)
{
    enum vfa_run run = VFA_RUN_PAUSED;
    int r;

    if (virDomainResume(handle) == 0)
        return 0;
    r = vfa_virt_fail(err, "cannot resume domain '%s'", virDomainGetName(handle));
    if (vfa_pass_run(handle, &run, NULL) != 0 || run == VFA_RUN_PAUSED)
        return r;
    vfa_error_clear(err);
    return 0;
}
