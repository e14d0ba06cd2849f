/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See guest.h. libvirt's live XML says which devices the guest has, the state says what vfaliasd
 * shall do with them. Events only wake this process (guest-watch.h).
 */

#include "guest.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "claim/hotplug.h"
#include "claim/release.h"
#include "claim/transaction.h"
#include "helpers/shared/virt-error.h"
#include "cmd-host.h"
#include "cmd.h"
#include "connect.h"
#include "guest-watch.h"

#include <errno.h>
#include <string.h>

#define DETACH_AGAIN_MS 5000 /* a booting guest ignores the first detach request */

/* ---- the guest ---- */

bool vfa_guest_timeout(const char *verb, const char *text, unsigned *ret)
{
    uint32_t seconds = VFA_GUEST_TIMEOUT;

    if (text && (vfa_parse_u32(text, 86400, &seconds) < 0 || seconds == 0)) {
        vfa_cmd_fail_usage("%s: '%s' is no number of seconds from 1 to 86400", verb, text);
        return false;
    }
    *ret = seconds;
    return true;
}

static int check_daemon_running(const struct vfa_cmd_context *ctx, struct vfa_error *err)
{
    bool present = false;
    int r = vfa_lock_is_held(ctx->config->state_path, &present, err);

    if (r < 0 || present)
        return r;
    return vfa_fail(err, ESRCH,
                    "vfaliasd is not running, and it attaches devices: run 'systemctl start "
                    "vfaliasd'");
}

int vfa_guest_open(const struct vfa_cmd_context *ctx, const char *name, unsigned timeout,
                   struct vfa_guest *guest, struct vfa_error *err)
{
    int r = check_daemon_running(ctx, err);

    guest->ctx = ctx;
    guest->timeout = timeout;
    if (r == 0)
        r = vfa_watch_start(err);
    if (r == 0)
        r = vfa_connect_both(ctx, name, &guest->conn, &guest->handle, err);
    if (r == 0)
        r = vfa_connect_check_here(ctx, guest->conn, err);
    if (r < 0)
        return r;
    vfa_watch_keep_alive(guest->conn);
    if (virDomainIsActive(guest->handle) != 1)
        return vfa_fail(err, EINVAL, "domain '%s' is not running", name);
    r = vfa_connect_parse(guest->handle, VIR_DOMAIN_AFFECT_LIVE, &guest->live, err);
    if (r == 0 && guest->live->bad_requests)
        r = vfa_fail(err, EINVAL, "domain '%s': %s", name, guest->live->bad_requests);
    return r < 0 ? r : vfa_watch_new(guest->handle, &guest->watch, err);
}

void vfa_guest_clear(struct vfa_guest *guest)
{
    vfa_lock_endp(&guest->lease_fd);
    guest->watch = vfa_watch_free(guest->watch);
    guest->live = vfa_domain_free(guest->live);
    vfa_virt_domain_unref(&guest->handle);
    vfa_connection_unref(&guest->conn);
}

static bool names_have(const struct vfa_request_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->items[i], name) == 0)
            return true;
    }
    return false;
}

/* Selects the names for which the domain has a device (with), or has no device. */
static int select_names(virDomainPtr domain, const struct vfa_request_names *names, bool with,
                        struct vfa_request_names *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *live = NULL;
    int r = vfa_connect_parse(domain, VIR_DOMAIN_AFFECT_LIVE, &live, err);

    ret->n = 0;
    for (size_t i = 0; r == 0 && i < names->n; i++) {
        if (!vfa_domain_device(live, names->items[i]) == !with)
            ret->items[ret->n++] = names->items[i];
    }
    return r;
}

/* "'net-0', 'net-1'" */
static const char *format_names(const struct vfa_request_names *names, char *buf, size_t size)
{
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < names->n && len < size; i++)
        len += (size_t)snprintf(buf + len, size - len, "%s'%s'", i ? ", " : "", names->items[i]);
    return buf;
}

/* ---- detaching ---- */

static int open_host(struct vfa_guest *guest, struct vfa_host *ret, struct vfa_error *err)
{
    int r = vfa_cmd_open_host(guest->ctx, VFA_CMD_HOST_WRITE, ret, err);

    ret->warn = vfa_cmd_warn;
    return r;
}

static int open_and_begin(struct vfa_guest *guest, struct vfa_host *ret, struct vfa_error *err)
{
    int r = open_host(guest, ret, err);

    return r == 0 ? vfa_state_begin(ret->state, err) : r;
}

/* Call in an open transaction: it leases all of the requests, or none. */
static int lease_requests(struct vfa_guest *guest, struct vfa_state *state,
                          const struct vfa_request_names *names, struct vfa_error *err)
{
    int64_t number = 0;
    int r = vfa_state_become_lease_holder(state, &number, &guest->lease_fd, err);

    for (size_t i = 0; i < names->n && r == 0; i++)
        r = vfa_state_lease(state, guest->live->uuid, names->items[i], number, err);
    return r;
}

/* Success means that libvirt has asked the guest. Errors of repeated calls are ignored: the guest
 * may be releasing the device, or have released it; the live XML shows that. */
static int detach_device(struct vfa_guest *guest, const char *name, bool first,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *alias = NULL;

    if (asprintf(&alias, "%s%s", VFA_DEVICE_PREFIX, name) < 0) {
        alias = NULL;
        return vfa_fail_oom(err);
    }
    if (virDomainDetachDeviceAlias(guest->handle, alias, VIR_DOMAIN_AFFECT_LIVE) == 0 || !first)
        return 0;
    return vfa_virt_fail(err, "domain '%s': cannot detach the device of request '%s'",
                         guest->live->name, name);
}

static int detach_devices(struct vfa_guest *guest, const struct vfa_request_names *names,
                          bool first, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < names->n && r == 0; i++)
        r = detach_device(guest, names->items[i], first, err);
    return r;
}

static int wait_until_out(struct vfa_guest *guest, const struct vfa_request_names *names,
                          struct vfa_error *err)
{
    int64_t now = vfa_clock_ms(), end = now + (int64_t)guest->timeout * 1000;
    int64_t again = now + DETACH_AGAIN_MS;
    struct vfa_request_names left;
    char text[256];
    int r = select_names(guest->handle, names, true, &left, err);

    while (r == 0 && left.n > 0 && (now = vfa_clock_ms()) < end) {
        if (now >= again) {
            r = detach_devices(guest, &left, false, err);
            again = now + DETACH_AGAIN_MS;
        }
        vfa_watch_wait(guest->watch, again < end ? again : end);
        if (r == 0)
            r = select_names(guest->handle, names, true, &left, err);
    }
    if (r == 0 && left.n > 0)
        r = vfa_fail(err, ETIMEDOUT,
                     "domain '%s': the guest did not release the device of %s within %u seconds",
                     guest->live->name, format_names(&left, text, sizeof(text)), guest->timeout);
    return r;
}

int vfa_guest_take_out(struct vfa_guest *guest, const struct vfa_request_names *names,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = open_and_begin(guest, &host, err);

    if (r == 0)
        r = lease_requests(guest, host.state, names, err);
    if (r == 0)
        r = vfa_state_commit(host.state, err);
    vfa_host_clear(&host); /* do not keep the state open while waiting for the guest */
    if (r == 0)
        r = detach_devices(guest, names, true, err);
    return r == 0 ? wait_until_out(guest, names, err) : r;
}

int vfa_guest_withdraw(struct vfa_guest *guest, const struct vfa_request_names *names,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = open_and_begin(guest, &host, err);

    for (size_t i = 0; i < names->n && r == 0; i++)
        r = vfa_release_withdraw(&host, guest->live->uuid, names->items[i], err);
    if (r == 0)
        r = vfa_state_commit(host.state, err);
    if (r == 0) /* if this fails, vfaliasd finishes the release */
        vfa_release_finish(&host, VFA_RELEASE_WAIT, NULL, NULL);
    return r;
}

/* ---- attaching ---- */

static int claim_request(struct vfa_guest *guest, struct vfa_host *host,
                         const struct vfa_claims *claims, const char *name, struct vfa_error *err)
{
    const struct vfa_request *request = vfa_domain_request(guest->live, name);

    if (vfa_claims_find(claims, name))
        return vfa_state_set_claim_error(host->state, guest->live->uuid, name, NULL, err);
    return vfa_hotplug_request(host, guest->live, request, NULL, err);
}

struct claiming {
    struct vfa_guest *guest;
    const struct vfa_request_names *names;
};

static int claim_requests(struct vfa_host *host, void *data, struct vfa_error *err)
{
    const struct claiming *claiming = data;
    struct vfa_guest *guest = claiming->guest;
    const struct vfa_request_names *names = claiming->names;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_claims(host->state, guest->live->uuid, &claims, err);

    for (size_t i = 0; i < names->n && r == 0; i++)
        r = claim_request(guest, host, &claims, names->items[i], err);
    return r == 0 ? lease_requests(guest, host->state, names, err) : r;
}

int vfa_guest_claim(struct vfa_guest *guest, const struct vfa_request_names *names,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    struct claiming claiming = {guest, names};
    int r = open_host(guest, &host, err);

    return r < 0 ? r : vfa_transaction_run(&host, true, claim_requests, &claiming, err);
}

/* -EIO if vfaliasd has given up one of the requests. */
static int check_given_up(struct vfa_guest *guest, const struct vfa_request_names *names,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_cmd_load_claims(guest->ctx, guest->live->uuid, &claims, err);

    for (size_t i = 0; i < claims.n && r == 0; i++) {
        const struct vfa_claim *claim = &claims.items[i];

        if (claim->attempts >= VFA_ATTACH_ATTEMPTS && names_have(names, claim->request))
            r = vfa_fail(err, EIO, "domain '%s': cannot attach %s for request '%s': %s",
                         guest->live->name, claim->device, claim->request,
                         claim->error ? claim->error : "given up");
    }
    return r;
}

static int fail_late(virDomainPtr domain, const struct vfa_request_names *left, unsigned timeout,
                     struct vfa_error *err)
{
    char text[256];

    return vfa_fail(err, ETIMEDOUT, "domain '%s': the device of %s is not there after %u seconds",
                    virDomainGetName(domain), format_names(left, text, sizeof(text)), timeout);
}

/* guest: its claims show whether vfaliasd has given up; NULL: the claims are on another host. */
static int wait_until_in(virDomainPtr domain, struct vfa_watch *watch, struct vfa_guest *guest,
                         const struct vfa_request_names *names, unsigned timeout,
                         struct vfa_error *err)
{
    int64_t end = vfa_clock_ms() + (int64_t)timeout * 1000;
    struct vfa_request_names left;
    int r = select_names(domain, names, false, &left, err);

    while (r == 0 && left.n > 0 && vfa_clock_ms() < end) {
        vfa_watch_wait(watch, end);
        r = guest ? check_given_up(guest, names, err) : 0;
        if (r == 0)
            r = select_names(domain, names, false, &left, err);
    }
    return r == 0 && left.n > 0 ? fail_late(domain, &left, timeout, err) : r;
}

int vfa_guest_give_back(struct vfa_guest *guest, const struct vfa_request_names *names,
                        struct vfa_error *err)
{
    vfa_lock_endp(&guest->lease_fd);
    return wait_until_in(guest->handle, guest->watch, guest, names, guest->timeout, err);
}

int vfa_guest_wait_for(virDomainPtr domain, struct vfa_watch *watch,
                       const struct vfa_request_names *names, unsigned timeout,
                       struct vfa_error *err)
{
    return wait_until_in(domain, watch, NULL, names, timeout, err);
}
