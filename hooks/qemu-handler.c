/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handler of the libvirt qemu hook. The prefilter runs it for domains that may concern vfalias.
 *
 * Only `prepare` and `migrate` fail. After a failing `reconnect` libvirt kills the guest; after a
 * failing `restore` it deletes the saved image; it ignores failures of the other operations. See
 * handler.h.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/full.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/check.h"
#include "claim/claim.h"
#include "claim/prepare.h"
#include "claim/reassert.h"
#include "claim/release.h"
#include "claim/unreleased.h"
#include "handler.h"
#include "qemu-incoming.h"

#include <errno.h>
#include <syslog.h>

#define MAX_ATTEMPTS 64

/* ---- prepare ---- */

static void log_claims(struct vfa_host *host, const struct vfa_domain *domain)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    if (vfa_state_claims(host->state, domain->uuid, &claims, NULL) < 0)
        return;
    for (size_t i = 0; i < claims.n; i++)
        syslog(LOG_INFO, "domain '%s': claimed %s for request '%s'", domain->name,
               claims.items[i].device, claims.items[i].request);
}

/* Applies the settings of the VFs that the domain starts with; the daemon applies those of VFs that
 * are hot-plugged. Makes all devices that are made. */
static int set_up_vfs(struct vfa_host *host, const struct vfa_domain *domain, struct vfa_error *err)
{
    char full[VFA_DEVICE_ID_SIZE] = "";
    int r = vfa_provisioner_apply_present(host, domain, full, err);

    if (r == VFA_VF_FULL) /* first: the devices that were made tell how many fit */
        vfa_state_set_full(host->state, full, NULL);
    if (r != 0) {
        vfa_release(host, domain->uuid, NULL, VFA_WHY_FAILED, NULL, NULL);
        vfa_release_finish_own(host, domain->uuid, NULL, NULL);
    }
    return r > 0 && r != VFA_VF_FULL ? VFA_CLAIM_REFUSED : r;
}

/* Only the kernel knows that a maker is full, and tells it when it is asked to make one more. The
 * maker is on record as full then, so each attempt has fewer free slots. */
static int prepare_and_set_up(struct vfa_host *host, const struct vfa_domain *domain,
                              struct vfa_error *err)
{
    int r = VFA_VF_FULL;

    for (unsigned i = 0; r == VFA_VF_FULL && i < MAX_ATTEMPTS; i++) {
        vfa_error_clear(err);
        r = vfa_prepare_domain(host, domain, err);
        if (r == 0)
            r = set_up_vfs(host, domain, err);
    }
    return r == VFA_VF_FULL ? VFA_CLAIM_REFUSED : r;
}

static int claim_for_start(const struct vfa_config *config, const struct vfa_domain *domain,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_handler_open_host(config, &host, err);

    if (r == 0)
        r = prepare_and_set_up(&host, domain, err);
    if (r == 0)
        log_claims(&host, domain);
    return r;
}

static int prepare_requests(const struct vfa_config *config, const struct vfa_domain *domain,
                            struct vfa_error *err)
{
    int r;

    if (domain->rehearsal)
        return vfa_qemu_rehearse(config, domain, err);
    r = vfa_check_requests(config, domain, err);
    if (r == 0)
        r = vfa_check_daemon(config, domain, err);
    return r ? r : claim_for_start(config, domain, err);
}

/* A domain without requests is refused only if another domain has a claim on one of its host
 * devices. Errors of vfalias do not stop it. */
static int prepare_static(const struct vfa_config *config, const struct vfa_domain *domain,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = claim_for_start(config, domain, &why);

    if (r == VFA_CLAIM_REFUSED)
        vfa_error_move(err, &why);
    if (r < 0)
        syslog(LOG_WARNING, "domain '%s': its host devices are not recorded: %s", domain->name,
               vfa_error_text(&why));
    return r < 0 ? 0 : r;
}

static int prepare_domain(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error broken = VFA_ERROR_INIT;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = vfa_domxml_parse(call->xml.data, call->xml.len, &domain, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", call->object);
    if (!vfa_domain_has_requests(domain) && domain->n_devices == 0)
        return 0;
    r = vfa_config_load(NULL, &config, &broken);
    if (r == 0)
        return vfa_domain_has_requests(domain) ? prepare_requests(config, domain, err)
                                               : prepare_static(config, domain, err);
    if (vfa_domain_has_requests(domain))
        return vfa_fail(err, broken.code, "domain '%s': %s", domain->name, vfa_error_text(&broken));
    syslog(LOG_WARNING, "domain '%s': its host devices are not recorded: %s", domain->name,
           vfa_error_text(&broken));
    return 0;
}

/* ---- release ---- */

/* What fails here is done by vfaliasd, or by the next program that opens the state. */
static void finish_release(struct vfa_host *host, const char *uuid)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_release_left left = {0};

    if (vfa_release_finish_own(host, uuid, &left, &err) < 0)
        syslog(LOG_WARNING, "%s", vfa_error_text(&err));
    if (left.n > 0)
        syslog(LOG_INFO, "devices that are not put back yet: %zu; see 'vfalias claims'", left.n);
}

/* Releases by owner, since the XML may name a device that another domain has. Claims of a later
 * start stay: if libvirtd was killed, the domain may run again already. domain NULL: the XML cannot
 * be read. */
static int release_claims(struct vfa_call *call, const struct vfa_config *config,
                          const struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    size_t n = 0;
    int r = vfa_handler_open_host(config, &host, err);

    if (r < 0)
        return r;
    if (domain && domain->uuid[0])
        r = vfa_release_ended(&host, domain->uuid, call->began, &n, err);
    else
        r = vfa_release_name(&host, call->object, VFA_WHY_STOPPED, &n, err);
    if (r == 0 && n > 0)
        syslog(LOG_INFO, "domain '%s': released %zu device%s", call->object, n, n == 1 ? "" : "s");
    if (r == 0)
        finish_release(&host, domain ? domain->uuid : "");
    return r;
}

/* libvirt does not repeat this call: the next program that opens the state reads the note and
 * releases the claims. */
static void record_unreleased(struct vfa_call *call, const struct vfa_config *config,
                              const struct vfa_domain *domain)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (domain && domain->uuid[0] &&
        vfa_unreleased_note(config->state_path, domain->uuid, call->began, &err) < 0)
        syslog(LOG_WARNING, "domain '%s': %s", call->object, vfa_error_text(&err));
}

/* The end of a rehearsal does not drop its reservation. */
static int release_domain(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = vfa_config_load(NULL, &config, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", call->object);
    if (vfa_domxml_parse(call->xml.data, call->xml.len, &domain, NULL) == 0 && domain->rehearsal)
        return 0;
    r = release_claims(call, config, domain, err);
    if (r == 0)
        return 0;
    record_unreleased(call, config, domain);
    return vfa_wrap(err, "domain '%s'", call->object);
}

/* ---- reconnect, attach: the domain runs already ---- */

static int reassert_claims(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = vfa_domxml_parse(call->xml.data, call->xml.len, &domain, err);

    if (r == 0)
        r = vfa_config_load(NULL, &config, err);
    if (r == 0)
        r = vfa_handler_open_host(config, &host, err);
    return r < 0 ? r : vfa_reassert(&host, domain, err);
}

/* ---- the calls ---- */

/* Calls that are not listed succeed and do nothing. After `start` and `started` the daemon attaches
 * devices, since libvirt holds the domain's lock until the hook returns. `release` follows
 * `stopped`. */
static const struct vfa_handler table[] = {
    {"prepare", "begin", prepare_domain, VFA_FAILS_ALWAYS},
    {"migrate", "begin", vfa_qemu_migrate, VFA_FAILS_ALWAYS},
    {"restore", "begin", vfa_qemu_restore, VFA_FAILS_NEVER},
    {"release", "end", release_domain, VFA_FAILS_NEVER},
    {"reconnect", "begin", reassert_claims, VFA_FAILS_NEVER},
    {"attach", "begin", reassert_claims, VFA_FAILS_NEVER},
};

int main(int argc, char **argv)
{
    return vfa_handler_main(argc, argv, "domain", table, ARRAY_SIZE(table));
}
