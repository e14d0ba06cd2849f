/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One definition of a domain: adds the ports that its requests lack, and fills in the host's
 * devices for its placeholders, in one define. Level-triggered: the event of this define causes a
 * pass that finds nothing to do.
 *
 * vfaliasd rewrites a definition only if nobody changed it since it was read. Tentative assignments
 * are written to the state before the define, so that a repeated pass chooses the same devices. A
 * placeholder for which no device is free waits until a device becomes free.
 *
 * A pass is queued by libvirt's events, and by vfa_definition_state_changed() after each write to
 * the state: for definitions whose device was claimed, whose start was refused, or that wait.
 */

#include "definition.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/meta.h"
#include "state/state.h"
#include "state/tentative.h"
#include "host/host.h"
#include "claim/assignment.h"
#include "claim/definition.h"
#include "helpers/shared/definition.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "daemon.h"
#include "queue.h"
#include "waiters.h"

#include <errno.h>
#include <string.h>

#define AGAIN_MS 500 /* another program edits the definition */
#define RETRY_MS 5000

struct definition {
    struct vfa_daemon *daemon;
    const struct vfa_config *config;
    const char *uuid;
    virDomainPtr handle;
    char *xml; /* the definition as it was read */
    struct vfa_domain *domain;
    unsigned ports; /* to add */
    struct vfa_definition_result result;
};

static void definition_clear(struct definition *d)
{
    vfa_virt_domain_unref(&d->handle);
    free(d->xml);
    vfa_domain_free(d->domain);
    vfa_definition_result_clear(&d->result);
}

#define KEY_SIZE (VFA_UUID_SIZE + sizeof("/definition"))

static const char *definition_key(const struct definition *d, const char *what, char *buf)
{
    snprintf(buf, KEY_SIZE, "%s/%s", d->uuid, what);
    return buf;
}

/* ---- reading ---- */

/* 0, or -ENOENT: the domain has no definition. */
static int load_definition(struct definition *d, virConnectPtr conn, struct vfa_error *err)
{
    int persistent;
    int r;

    d->handle = virDomainLookupByUUIDString(conn, d->uuid);
    if (!d->handle)
        return vfa_virt_fail(err, "cannot find domain '%s'", d->uuid);
    persistent = virDomainIsPersistent(d->handle);
    if (persistent < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", virDomainGetName(d->handle));
    if (!persistent)
        return vfa_fail(err, ENOENT, "domain '%s' is transient", virDomainGetName(d->handle));
    r = vfa_domain_definition_read(d->handle, &d->xml, err);
    if (r == 0 && vfa_domxml_parse(d->xml, strlen(d->xml), &d->domain, err) < 0)
        r = vfa_wrap(err, "domain '%s'", virDomainGetName(d->handle));
    return r;
}

static int forget_definition(struct definition *d, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(d->daemon, d->config, &host, err);
    char key[KEY_SIZE];

    vfa_log_forget(definition_key(d, "unfilled", key));
    return r == 0 ? vfa_definition_forget(host.state, d->uuid, err) : r;
}

/* ---- placeholders ---- */

/* Adds the domain to the wait list. Requeues it if a device became free since `freed` was read. */
static int wait_for_more(struct definition *d, struct vfa_host *host, int64_t freed,
                         struct vfa_error *err)
{
    int64_t now;
    int r;

    if (!vfa_waiters_add(d->daemon->definition_waiters, d->uuid))
        return vfa_fail_oom(err);
    r = vfa_state_counter(host->state, VFA_COUNTER_FREED, &now, err);
    if (r == 0 && now != freed)
        vfa_queue_add(d->daemon->queue, d->uuid, VFA_WORK_DEFINITION, 0);
    return r;
}

static int try_to_assign(struct definition *d, struct vfa_host *host, struct vfa_error *err)
{
    char key[KEY_SIZE];
    int64_t freed;
    int r = vfa_state_counter(host->state, VFA_COUNTER_FREED, &freed, err);

    if (r == 0)
        r = vfa_definition_assign(host, d->domain, &d->result, err);
    if (r < 0)
        return r;
    definition_key(d, "unfilled", key);
    if (!d->result.refusal) {
        vfa_log_forget(key);
        return 0;
    }
    vfa_log_change(key, LOG_WARNING,
                   "domain '%s': not all placeholders of its definition can be filled: %s",
                   d->domain->name, d->result.refusal);
    return wait_for_more(d, host, freed, err);
}

/* Requeues the domain after an error of the state: no event comes when the error is over. */
static int assign_devices(struct definition *d, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_daemon_open_host(d->daemon, d->config, &host, err);

    if (r == 0)
        r = try_to_assign(d, &host, err);
    if (r < 0)
        vfa_queue_add(d->daemon->queue, d->uuid, VFA_WORK_DEFINITION, RETRY_MS);
    return r;
}

/* ---- writing ---- */

static int fill_definition(struct definition *d, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *filled = NULL;
    int r = vfa_assignments_fill(&d->result.devices, d->xml, strlen(d->xml), &filled, err);

    if (r == 0 && d->ports > 0)
        return vfa_domxml_add_ports(filled, strlen(filled), d->ports, ret, err);
    if (r == 0)
        *ret = vfa_steal(&filled);
    return r;
}

static void log_changes(const struct definition *d)
{
    const struct vfa_assignments *devices = &d->result.devices;

    if (d->ports > 0)
        vfa_log(LOG_INFO, "domain '%s': added %u ports for hot-plug to its definition",
                d->domain->name, d->ports);
    for (size_t i = 0; i < devices->n; i++)
        vfa_log(LOG_INFO, "domain '%s': put %s into its definition as '%s%s'", d->domain->name,
                devices->items[i].device.id, VFA_DEVICE_PREFIX, devices->items[i].request);
}

static int reconcile_definition(struct definition *d, virConnectPtr conn, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *changed = NULL;
    int r = load_definition(d, conn, err);

    if (r == 0)
        r = assign_devices(d, err);
    if (r < 0)
        return r;
    d->ports = d->domain->pcie ? vfa_domain_missing_ports(d->domain) : 0; /* only PCIe has ports */
    if (d->ports == 0 && d->result.devices.n == 0)
        return 0;
    r = fill_definition(d, &changed, err);
    if (r == 0)
        r = vfa_domain_definition_replace(d->handle, d->xml, changed, err);
    if (r == 0)
        log_changes(d);
    return r;
}

/* If libvirt refuses the define, or the XML is wrong, the next event of the domain causes the next
 * pass. */
void vfa_definition_pass(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(definition_clear)
    struct definition d = {.daemon = daemon, .config = config, .uuid = uuid};
    char key[KEY_SIZE];
    int r = reconcile_definition(&d, conn, &err);

    if (r == -ENOENT) {
        vfa_error_clear(&err);
        vfa_daemon_gone(daemon, uuid);
        r = forget_definition(&d, &err);
    }
    definition_key(&d, "definition", key);
    if (r == VFA_PORTS_CHANGED)
        vfa_queue_add(daemon->queue, uuid, VFA_WORK_DEFINITION, AGAIN_MS);
    else if (r == 0)
        vfa_log_forget(key);
    else
        vfa_log_change(key, LOG_WARNING, "%s", vfa_error_text(&err));
}

/* ---- after a write to the state ---- */

static void queue_definition(void *opaque, const char *uuid)
{
    struct vfa_daemon *daemon = opaque;

    vfa_queue_add(daemon->queue, uuid, VFA_WORK_DEFINITION, 0);
}

/* Only reads: see watch.h. */
static int read_state(struct vfa_daemon *daemon, const struct vfa_config *config,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    char uuid[VFA_UUID_SIZE];
    int64_t freed = 0, stale = 0;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    if (r == 0)
        r = vfa_state_counter(state, VFA_COUNTER_FREED, &freed, err);
    if (r == 0)
        r = vfa_state_counter(state, VFA_COUNTER_STALE_DEFINITIONS, &stale, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (atomic_exchange(&daemon->stale_definitions, stale) != stale)
        r = vfa_state_each_stale_definition(state, queue_definition, daemon, err);
    if (vfa_waiters_counter_changed(daemon->definition_waiters, freed)) {
        while (vfa_waiters_take(daemon->definition_waiters, uuid))
            queue_definition(daemon, uuid);
    }
    return r;
}

void vfa_definition_state_changed(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (read_state(daemon, config, &err) == 0) {
        vfa_log_forget("definitions");
        return;
    }
    daemon->stale_definitions = -1;
    vfa_log_change("definitions", LOG_ERR, "%s", vfa_error_text(&err));
    vfa_queue_add(daemon->queue, VFA_WORK_WAITERS_KEY, VFA_WORK_FREED, RETRY_MS);
}

int vfa_definition_sync(struct vfa_daemon *daemon, struct vfa_state *state, struct vfa_error *err)
{
    return vfa_state_each_defined(state, queue_definition, daemon, err);
}
