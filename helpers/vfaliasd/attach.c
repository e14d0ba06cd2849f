/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attaching and detaching the devices of a running domain's requests.
 *
 * No device is attached twice: libvirt refuses a second device with the same source or user alias.
 * After a failed attach the XML is read before the failure is counted: another process, or an
 * earlier daemon that was killed, may have attached the device.
 *
 * Temporary conditions (another job on the domain, no connection, the domain gone) are not counted
 * as failures. Failures are counted in the claim, so that a restart does not start over.
 *
 * An attach may take half a minute, in which the domain may be stopped and started again. What is
 * done after it applies to the start that the pass has read, never to a later start.
 */

#include "attach.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/failed.h"
#include "state/state.h"
#include "host/binding.h"
#include "host/host.h"
#include "choose/resolve.h"
#include "provision/made.h"
#include "provision/provisioner.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "backoff.h"
#include "crew.h"
#include "daemon.h"
#include "job.h"
#include "pass.h"
#include "plan.h"
#include "queue.h"
#include "turn.h"
#include "verify.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define FIRST_RETRY_MS 1000 /* doubled with each failure */

static int mark_active(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    bool same = false;
    int r = vfa_pass_begin(pass, step->claim, &host, &same, err);

    if (r < 0 || !same)
        return r;
    r = vfa_state_set_claim_state(host.state, pass->uuid, step->request->name, VFA_CLAIM_ACTIVE,
                                  err);
    return r == 0 ? vfa_state_commit(host.state, err) : r;
}

/* ---- attaching ---- */

/* Calls `what` with an open host, the step's claim and what is wanted of its device. */
static int with_desired(struct vfa_pass *pass, const struct vfa_step *step,
                        int (*what)(struct vfa_host *, const struct vfa_claim *,
                                    const struct vfa_desired *, struct vfa_error *),
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    const struct vfa_request *request = step->request;
    const struct vfa_alias *alias = vfa_resolve_claimed(pass->config, request, step->claim);
    struct vfa_desired desired;
    int r;

    if (!alias) /* attach_device() reports it */
        return 0;
    r = vfa_desired_make(pass->domain, request->name, alias, &desired, err);
    if (r == 0)
        r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);
    return r < 0 ? r : what(&host, step->claim, &desired, err);
}

/* If hold_timeout passed during the attach, queues the guest for a holder at once: this thread may
 * have to wait for the state file next. */
static int attach_by_libvirt(struct vfa_pass *pass, const char *xml, struct vfa_error *err)
{
    struct vfa_turns *turns = pass->daemon->turns;
    int r = 0;

    if (pass->held)
        vfa_turn_attach(turns, pass->uuid);
    if (virDomainAttachDeviceFlags(pass->handle, xml, VIR_DOMAIN_AFFECT_LIVE) < 0)
        r = vfa_virt_fail(err, "libvirt");
    if (pass->held && vfa_turn_attached(turns, pass->uuid))
        vfa_queue_add(pass->daemon->holds, pass->uuid, VFA_WORK_HOLD, 0);
    return r;
}

static int is_managed(struct vfa_pass *pass, const struct vfa_alias *alias,
                      const struct vfa_device *device, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_sysfs_close) struct vfa_sysfs sysfs = {.rootfd = -1};
    int r = vfa_sysfs_open(pass->config->sysfs_root, &sysfs, err);

    return r < 0 ? r : vfa_binding_managed(pass->config, &sysfs, device, alias, ret, err);
}

static int attach_device(struct vfa_pass *pass, const struct vfa_step *step,
                         const struct vfa_device *device, struct vfa_error *err)
{
    const struct vfa_request *request = step->request;
    const struct vfa_alias *alias = vfa_resolve_claimed(pass->config, request, step->claim);
    VFA_AUTO(vfa_freep) char *xml = NULL;
    bool managed = true;
    int r;

    if (!alias)
        return vfa_fail(err, EINVAL, "the configuration has no alias '%s' any more",
                        request->alias);
    r = is_managed(pass, alias, device, &managed, err);
    if (r == 0)
        r = vfa_domxml_device(pass->domain, request, alias, device, managed,
                              vfa_domain_port(pass->domain, request->name), &xml, err);
    if (r < 0)
        return r;
    vfa_log(LOG_DEBUG, "domain '%s': attaching %s", pass->domain->name, xml);
    vfa_crew_leave(pass->daemon->crew);
    return attach_by_libvirt(pass, xml, err);
}

/* The device is attached. A VLAN that cannot be set is logged once. */
static void apply_vlan(struct vfa_pass *pass, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = with_desired(pass, step, vfa_provisioner_after_attach, &err);

    if (r < 0 || r == VFA_VF_REFUSED)
        vfa_log(LOG_ERR, "domain '%s': request '%s': %s", pass->domain->name, step->request->name,
                vfa_error_text(&err));
}

static bool has_device(struct vfa_pass *pass, const char *request)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;

    return vfa_pass_read(pass->handle, &domain, NULL) == 0 && vfa_domain_device(domain, request);
}

static void attached(struct vfa_pass *pass, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    char key[VFA_PASS_KEY_SIZE];

    vfa_log(LOG_INFO, "domain '%s': attached %s for request '%s'", pass->domain->name,
            step->claim->device, step->request->name);
    vfa_log_forget(vfa_pass_key(pass, step->request->name, key));
    if (mark_active(pass, step, &err) < 0) { /* the next pass marks it */
        vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
    }
}

/* *ret_same false: the request has another claim now, whose attempts are not counted. */
static int count_failure(struct vfa_pass *pass, const struct vfa_step *step, const char *why,
                         bool *ret_same, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_pass_begin(pass, step->claim, &host, ret_same, err);

    if (r < 0 || !*ret_same)
        return r;
    r = vfa_state_set_claim_error(host.state, pass->uuid, step->request->name, why, err);
    if (r == 0 && step->claim->attempts + 1 >= VFA_ATTACH_ATTEMPTS)
        r = vfa_state_set_failed(host.state, step->claim->device, why, err);
    return r == 0 ? vfa_state_commit(host.state, err) : r;
}

static void give_up_request(struct vfa_pass *pass, const struct vfa_step *step, unsigned attempts,
                            const char *why)
{
    vfa_log(LOG_ERR,
            "domain '%s': cannot attach %s for request '%s', given up after %u attempts: %s",
            pass->domain->name, step->claim->device, step->request->name, attempts, why);
    vfa_pass_give_up(pass, step);
}

static void failed(struct vfa_pass *pass, const struct vfa_step *step, const char *why)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    unsigned attempts = step->claim->attempts + 1;
    char key[VFA_PASS_KEY_SIZE];
    bool same = false;

    if (count_failure(pass, step, why, &same, &err) < 0) {
        vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
        return;
    }
    if (!same) {
        vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
        return;
    }
    if (attempts >= VFA_ATTACH_ATTEMPTS) {
        give_up_request(pass, step, attempts, why);
        return;
    }
    vfa_log(LOG_INFO, "domain '%s': cannot attach %s for request '%s', attempt %u: %s",
            pass->domain->name, step->claim->device, step->request->name, attempts, why);
    vfa_pass_key(pass, step->request->name, key);
    vfa_backoff_set(pass->daemon->backoff, key, FIRST_RETRY_MS << (attempts - 1));
    vfa_pass_requeue_after(pass, pass->held ? VFA_REQUEUE_NOW : FIRST_RETRY_MS << (attempts - 1));
}

/* True: the device is attached in spite of the error. */
static bool attach_failed(struct vfa_pass *pass, const struct vfa_step *step, int r,
                          const char *why)
{
    int active;

    if (r == -ENOTCONN) {
        vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
    } else if (r == -ETIMEDOUT) {
        vfa_pass_hangs(pass);
    } else if ((active = virDomainIsActive(pass->handle)) != 1) {
        vfa_pass_requeue_after(pass, active == 0 ? VFA_REQUEUE_NOW
                                                 : VFA_REQUEUE_BUSY); /* -1: not known */
    } else if (has_device(pass, step->request->name)) {
        attached(pass, step);
        return true;
    } else {
        failed(pass, step, why);
    }
    return false;
}

/* make-device cannot be started, has failed, or does not end: nothing says that this passes. */
static bool has_maker_failed(const struct vfa_step *step, int r)
{
    return step->claim->maker && (r == -ECHILD || r == -ETIMEDOUT);
}

/* For an error of the state file, or a device that another program uses at the moment: not counted
 * as a failed attempt. */
static void requeue_after_error(struct vfa_pass *pass, const struct vfa_error *err)
{
    vfa_log_change(pass->uuid, LOG_ERR, "domain '%s': %s", pass->domain->name, vfa_error_text(err));
    vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
}

/* Other devices are being made: no error. */
static void requeue_to_make(struct vfa_pass *pass, const struct vfa_error *err)
{
    vfa_log(LOG_DEBUG, "domain '%s': %s", pass->domain->name, vfa_error_text(err));
    vfa_pass_requeue_after(pass, VFA_REQUEUE_BUSY);
}

/* The XML names the link, which is there for the lifetime of the device. */
static int name_link(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_device *device,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_freep) char *path = NULL;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_made_path(&host, step->claim->device, &path, err);
    if (r == 0 && path) {
        free(device->path);
        device->path = vfa_steal(&path);
    }
    return r;
}

/* Makes the device, or gives it its settings. Results of vfa_provisioner_apply() and
 * vfa_pass_verify_claim(). */
static int make_ready(struct vfa_pass *pass, const struct vfa_step *step,
                      struct vfa_device *ret_device, enum vfa_verified *ret_check,
                      struct vfa_error *err)
{
    bool made = step->claim->maker;
    int r = made ? with_desired(pass, step, vfa_provisioner_apply, err) : 0;

    *ret_check = VFA_VERIFIED;
    if (r == 0)
        r = vfa_pass_verify_claim(pass, step, ret_device, ret_check, err);
    if (r != 0 || *ret_check == VFA_VERIFIED_CHANGED)
        return r;
    return made ? name_link(pass, step, ret_device, err)
                : with_desired(pass, step, vfa_provisioner_apply, err);
}

/* The maker of the device has no place for it. */
static void attach_from_other(struct vfa_pass *pass, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = vfa_pass_choose_other_maker(pass, step, &err);

    if (r == -ENODEV)
        failed(pass, step, vfa_error_text(&err));
    else if (r != 0)
        requeue_after_error(pass, &err);
    else
        vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
}

/* r: as make_ready() returned; 0: the claim has changed. */
static void not_ready(struct vfa_pass *pass, const struct vfa_step *step, int r,
                      const struct vfa_error *err)
{
    if (r == 0 || r == VFA_VF_STALE)
        vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
    else if (r == VFA_VF_FULL)
        attach_from_other(pass, step);
    else if (r > 0 || has_maker_failed(step, r))
        failed(pass, step, vfa_error_text(err));
    else if (r == -EAGAIN && step->claim->maker)
        requeue_to_make(pass, err);
    else
        requeue_after_error(pass, err);
}

bool vfa_pass_attach(struct vfa_pass *pass, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_device_clear) struct vfa_device device = {0};
    char key[VFA_PASS_KEY_SIZE];
    enum vfa_verified check;
    unsigned left =
        vfa_backoff_remaining(pass->daemon->backoff, vfa_pass_key(pass, step->request->name, key));
    int r;

    if (left > 0) {
        vfa_pass_requeue_after(pass, left);
        return false;
    }
    if (!vfa_pass_is_free(pass))
        return false;
    r = make_ready(pass, step, &device, &check, &err);
    if (r != -ENODEV && (r != 0 || check == VFA_VERIFIED_CHANGED)) {
        not_ready(pass, step, r, &err);
        return false;
    }
    if (r == 0)
        r = attach_device(pass, step, &device, &err);
    if (r < 0)
        return attach_failed(pass, step, r, vfa_error_text(&err));
    apply_vlan(pass, step);
    attached(pass, step);
    return true;
}

/* ---- giving up ---- */

/* Whether the claim is of this start and still has all its attempts used up: the user may have
 * asked for another attempt meanwhile. */
static int is_given_up(struct vfa_pass *pass, const struct vfa_step *step, bool *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims now = {0};
    const struct vfa_claim *found;
    int r = vfa_daemon_open_host(pass->daemon, pass->config, &host, err);

    if (r == 0)
        r = vfa_state_claims(host.state, pass->uuid, &now, err);
    if (r < 0)
        return r;
    found = vfa_claims_find(&now, step->claim->request);
    *ret =
        found && vfa_claim_unchanged(found, step->claim) && found->attempts >= VFA_ATTACH_ATTEMPTS;
    return 0;
}

/* Each start of a domain has its own id. libvirt destroys by UUID, so the id is checked last. */
static bool is_same_guest(struct vfa_pass *pass)
{
    VFA_AUTO(vfa_virt_domain_unref)
    virDomainPtr now = virDomainLookupByUUIDString(virDomainGetConnect(pass->handle), pass->uuid);

    return now && virDomainGetID(now) == virDomainGetID(pass->handle);
}

static int destroy_domain(struct vfa_pass *pass, const struct vfa_step *step, struct vfa_error *err)
{
    bool given_up = false;
    int r = is_given_up(pass, step, &given_up, err);

    if (r < 0)
        return r;
    if (!given_up || !is_same_guest(pass)) {
        vfa_pass_requeue_after(pass, VFA_REQUEUE_NOW);
        return 0;
    }
    vfa_log(LOG_ERR, "domain '%s': destroyed, since request '%s' could not be attached",
            pass->domain->name, step->request->name);
    vfa_crew_leave(pass->daemon->crew);
    if (virDomainDestroy(pass->handle) < 0)
        return vfa_virt_fail(err, "cannot destroy domain '%s'", pass->domain->name);
    return 0;
}

/* on_attach_failure "keep": the guest goes on running; `vfalias claims` shows the claim and the
 * error. */
void vfa_pass_give_up(struct vfa_pass *pass, const struct vfa_step *step)
{
    const struct vfa_alias *alias = vfa_resolve_alias(pass->config, step->request);
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (!alias || alias->on_attach_failure != VFA_ATTACH_FAILURE_DESTROY)
        return;
    if (destroy_domain(pass, step, &err) < 0) {
        vfa_log_change(pass->uuid, LOG_ERR, "%s", vfa_error_text(&err));
        vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
    }
}

/* ---- detaching ---- */

/* The guest has to agree: success means that libvirt has asked the guest. The event DEVICE_REMOVED
 * causes the next pass, which releases the claim. */
void vfa_pass_detach(struct vfa_pass *pass, const struct vfa_step *step)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *alias = NULL;
    const char *request = step->claim->request;
    char key[VFA_PASS_KEY_SIZE];
    int r;

    if (!vfa_pass_is_free(pass))
        return;
    if (asprintf(&alias, "%s%s", VFA_DEVICE_PREFIX, request) < 0) {
        alias = NULL;
        vfa_pass_requeue_after(pass, VFA_REQUEUE_ERROR);
        return;
    }
    vfa_pass_key(pass, request, key);
    vfa_pass_requeue_after(pass, VFA_REQUEUE_DETACH);
    vfa_crew_leave(pass->daemon->crew);
    if (virDomainDetachDeviceAlias(pass->handle, alias, VIR_DOMAIN_AFFECT_LIVE) == 0) {
        vfa_log_change(key, LOG_INFO, "domain '%s': request '%s' is gone, detaching %s",
                       pass->domain->name, request, step->claim->device);
        return;
    }
    r = vfa_virt_fail(&err, "domain '%s': cannot detach %s of '%s'", pass->domain->name,
                      step->claim->device, request);
    if (r == -ETIMEDOUT)
        vfa_pass_hangs(pass);
    else if (r == -ENOENT)
        vfa_pass_requeue_after(pass, VFA_REQUEUE_BUSY);
    else
        vfa_log_change(key, LOG_WARNING, "%s", vfa_error_text(&err));
}
