/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Incoming domains: from another host (`migrate`), or from a saved image (`restore`). Their XML
 * names devices of another host, or of an earlier time. The handler chooses devices of this host,
 * and libvirt uses the changed XML. `prepare` follows and finds the claims that were made here
 * (claim/incoming.h).
 *
 * `migrate` refuses requests that cannot be served: the guest runs on at the source. `restore` must
 * not refuse, and must not change what libvirt compares with the image (MAC addresses, guest
 * addresses, number of devices). If no device is free, the XML stays as it is and `prepare`
 * refuses: libvirt keeps the image then.
 *
 * A rehearsal is a domain that `vfalias migrate` has libvirt create on this host before it unplugs
 * anything from the guest. Its prepare always fails: no guest starts, and the error is the reply. A
 * host without vfalias starts the domain, which `vfalias migrate` understands as well.
 */

#include "qemu-incoming.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "host/host.h"
#include "claim/assignment.h"
#include "claim/check.h"
#include "claim/incoming.h"
#include "claim/release.h"
#include "claim/transaction.h"
#include "handler.h"

#include <errno.h>
#include <syslog.h>

/* ---- the XML that libvirt gets ---- */

static bool has_moved(const struct vfa_domain *domain, const struct vfa_assignments *assignments)
{
    for (size_t i = 0; i < assignments->n; i++) {
        if (assignments->items[i].moved && vfa_domain_device(domain, assignments->items[i].request))
            return true;
    }
    return false;
}

static void log_assignments(const struct vfa_domain *domain,
                            const struct vfa_assignments *assignments)
{
    for (size_t i = 0; i < assignments->n; i++)
        syslog(LOG_INFO, "domain '%s': keeping %s for request '%s', as it is about to arrive",
               domain->name, assignments->items[i].device.id, assignments->items[i].request);
}

struct incoming {
    struct vfa_call *call;
    const struct vfa_domain *domain;
    unsigned what;
    struct vfa_assignments devices;
};

static void incoming_clear(struct incoming *incoming)
{
    vfa_assignments_clear(&incoming->devices);
}

/* Claims devices and writes them into the XML. An error rolls back the transaction: no claim stays
 * that the XML does not name. */
static int claim_and_fill(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct incoming *incoming = data;
    struct vfa_call *call = incoming->call;
    int r = vfa_incoming_claim(host, incoming->domain, incoming->what, &incoming->devices, err);

    if (r == 0 && has_moved(incoming->domain, &incoming->devices))
        r = vfa_assignments_fill(&incoming->devices, call->xml.data, call->xml.len,
                                 &call->reply_xml, err);
    return r;
}

static int serve_incoming(struct vfa_call *call, const struct vfa_config *config,
                          const struct vfa_domain *domain, unsigned what, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(incoming_clear)
    struct incoming incoming = {.call = call, .domain = domain, .what = what};
    int r = vfa_handler_open_host(config, &host, err);

    if (r == 0) /* frees devices that a killed program has not released */
        vfa_release_finish_own(&host, domain->uuid, NULL, NULL);
    if (r == 0)
        r = vfa_transaction_run(&host, true, claim_and_fill, &incoming, err);
    if (r == 0)
        log_assignments(domain, &incoming.devices);
    return r;
}

/* ---- migrate ---- */

int vfa_qemu_migrate(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = vfa_domxml_parse(call->xml.data, call->xml.len, &domain, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", call->object);
    if (!vfa_domain_has_requests(domain))
        return 0;
    r = vfa_config_load(NULL, &config, err);
    if (r < 0)
        return vfa_wrap(err, "domain '%s'", domain->name);
    r = vfa_check_requests(config, domain, err);
    if (r == 0)
        r = vfa_check_daemon(config, domain, err);
    /* Sources are not kept: an address of the other host names another device here, or none. */
    return r ? r : serve_incoming(call, config, domain, VFA_INCOMING_HOTPLUG, err);
}

/* ---- restore ---- */

int vfa_qemu_restore(struct vfa_call *call, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = vfa_domxml_parse(call->xml.data, call->xml.len, &domain, err);

    if (r < 0 || !vfa_domain_has_requests(domain))
        return r;
    r = vfa_config_load(NULL, &config, err);
    return r < 0 ? r : serve_incoming(call, config, domain, VFA_INCOMING_KEEP_SOURCES, err);
}

/* ---- rehearsal ---- */

/* "net-0 gets 0000:01:10.0, accel-0 gets none" */
static char *describe_assignments(const struct vfa_domain *domain,
                                  const struct vfa_assignments *assignments)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    for (size_t i = 0; f && i < domain->n_requests; i++) {
        const struct vfa_assignment *assignment =
            vfa_assignments_find(assignments, domain->requests[i].name);

        fprintf(f, "%s%s gets %s", i ? ", " : "", domain->requests[i].name,
                assignment ? assignment->device.id : "none");
    }
    if (f && fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static int reply_rehearsed(const struct vfa_domain *domain, const char *text, struct vfa_error *err)
{
    if (!text)
        return vfa_fail_oom(err);
    return vfa_refuse(err, ECANCELED, "domain '%s': " VFA_REHEARSED "%s", domain->name, text);
}

static int claim_rehearsed(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct incoming *incoming = data;

    return vfa_incoming_claim(host, incoming->domain, VFA_INCOMING_HOTPLUG, &incoming->devices,
                              err);
}

static int cancel_reservation(const struct vfa_config *config, const struct vfa_domain *domain,
                              struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    size_t n = 0;
    int r = vfa_handler_open_host(config, &host, err);

    if (r == 0)
        r = vfa_incoming_cancel(&host, domain->uuid, &n, err);
    return r < 0 ? r : reply_rehearsed(domain, "cancelled", err);
}

int vfa_qemu_rehearse(const struct vfa_config *config, const struct vfa_domain *domain,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(incoming_clear) struct incoming incoming = {.domain = domain};
    VFA_AUTO(vfa_freep) char *text = NULL;
    bool reserve = domain->rehearsal == VFA_REHEARSAL_RESERVE; /* else the claims are rolled back */
    int r;

    if (domain->rehearsal == VFA_REHEARSAL_CANCEL)
        return cancel_reservation(config, domain, err);
    r = vfa_check_requests(config, domain, err);
    if (r == 0)
        r = vfa_check_daemon(config, domain, err);
    if (r == 0)
        r = vfa_handler_open_host(config, &host, err);
    if (r == 0)
        r = vfa_transaction_run(&host, reserve, claim_rehearsed, &incoming, err);
    if (r)
        return r;
    text = describe_assignments(domain, &incoming.devices);
    return reply_rehearsed(domain, text, err);
}
