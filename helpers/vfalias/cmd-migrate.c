/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias migrate: live migration of a domain with devices that cannot migrate. These devices are
 * detached from the guest first, and vfaliasd of the destination attaches devices of its host.
 * Devices that migrate with the guest (teaming pairs, macvtap) are left to libvirt and the hook.
 *
 * Order: the destination agrees and reserves devices (rehearsal.h), the devices are detached,
 * libvirt migrates. Until the guest runs at the destination, this process has a lease on the
 * requests (guest.h): if a step fails, or this process is killed, the guest gets its devices back.
 */

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "guest-watch.h"
#include "guest.h"
#include "rehearsal.h"
#include "table.h"
#include "verbs.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define WATCH_MS 1000 /* interval of checks whether the destination is alive */

struct migration {
    const char *uri;
    unsigned flags; /* of virDomainMigrate3() */
    bool dry_run;
    struct vfa_guest guest;
    virConnectPtr destination;
    char *xml;                     /* of the running domain */
    struct vfa_request_names stay; /* requests whose devices cannot migrate */
    char *answer;                  /* of the rehearsal; NULL: the domain has no requests */
};

static void migration_clear(struct migration *m)
{
    vfa_guest_clear(&m->guest);
    vfa_connection_unref(&m->destination);
    free(m->xml);
    free(m->answer);
}

/* ---- what can migrate ---- */

static bool migrates(const struct vfa_domdev *dev)
{
    return vfa_attach_facts(dev->kind)->migrates || dev->transient;
}

static int refuse_device(const struct vfa_domain *live, const struct vfa_domdev *dev,
                         struct vfa_error *err)
{
    if (dev->request)
        return vfa_fail(
            err, EINVAL,
            "domain '%s': no request asks for its device '%s%s', so that no other would "
            "be attached at the destination",
            live->name, VFA_DEVICE_PREFIX, dev->request);
    return vfa_fail(err, EINVAL,
                    "domain '%s': its host device %s belongs to no request and cannot migrate: "
                    "detach it first",
                    live->name, dev->source);
}

static int select_staying(struct migration *m, struct vfa_error *err)
{
    const struct vfa_domain *live = m->guest.live;

    for (size_t i = 0; i < live->n_devices; i++) {
        const struct vfa_domdev *dev = &live->devices[i];

        if (migrates(dev))
            continue;
        if (!dev->request || !vfa_domain_request(live, dev->request))
            return refuse_device(live, dev, err);
        m->stay.items[m->stay.n++] = dev->request;
    }
    return 0;
}

/* ---- the destination ---- */

static int connect_destination(struct migration *m, struct vfa_error *err)
{
    m->destination = virConnectOpen(m->uri);
    if (!m->destination)
        return vfa_virt_fail(err, "cannot connect to libvirt at '%s'", m->uri);
    vfa_watch_keep_alive(m->destination);
    return 0;
}

static int rehearse_migration(struct migration *m, enum vfa_rehearsal kind, char **ret,
                              struct vfa_error *err)
{
    if (m->guest.live->n_requests == 0)
        return 0;
    if (vfa_rehearse(m->destination, m->xml, m->guest.live, kind, ret, err) < 0)
        return vfa_wrap(err, "domain '%s'", m->guest.live->name);
    return 0;
}

/* Has the destination release the reserved devices. If it cannot be reached, they expire. */
static void cancel_rehearsal(struct migration *m)
{
    VFA_AUTO(vfa_freep) char *answer = NULL;

    (void)rehearse_migration(m, VFA_REHEARSAL_CANCEL, &answer, NULL);
}

static const char *what_happens(const struct migration *m, const struct vfa_domdev *dev)
{
    if (!dev)
        return "attached there";
    return migrates(dev) ? "migrates" : "detached here, attached there";
}

static int print_plan(const struct migration *m)
{
    static const char *const headers[] = {"REQUEST", "ALIAS", "WHAT HAPPENS", "DEVICE THERE"};
    VFA_AUTO(vfa_table_freep)
    struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));
    const struct vfa_domain *live = m->guest.live;

    for (size_t i = 0; table && i < live->n_requests; i++) {
        const struct vfa_request *request = &live->requests[i];
        VFA_AUTO(vfa_freep) char *device = vfa_rehearsal_device(m->answer, request->name);

        vfa_table_cell(table, VFA_TABLE_PLAIN, request->name);
        vfa_table_cell(table, VFA_TABLE_PLAIN, request->alias);
        vfa_table_cell(table, VFA_TABLE_PLAIN,
                       what_happens(m, vfa_domain_device(live, request->name)));
        vfa_table_cell(table, VFA_TABLE_PLAIN, device);
    }
    if (live->n_requests == 0) {
        printf("domain '%s' asks for no device\n", live->name);
        return VFA_CMD_FINE;
    }
    return vfa_table_print(table);
}

/* ---- the migration ---- */

/* libvirt's migration call runs in a thread of its own: if the destination vanishes, the call
 * returns only when the source's QEMU gives up, which can take 15 minutes. */
struct call {
    struct migration *m;
    pthread_mutex_t lock; /* guards done */
    pthread_cond_t ended;
    bool done;
    int r;
    struct vfa_error *err;
};

static int call_migrate(struct migration *m, struct vfa_error *err)
{
    virDomainPtr there;
    int r;

    if (m->flags & VIR_MIGRATE_PEER2PEER) {
        r = virDomainMigrateToURI3(m->guest.handle, m->uri, NULL, 0, m->flags);
    } else {
        there = virDomainMigrate3(m->guest.handle, m->destination, NULL, 0, m->flags);
        r = there ? 0 : -1;
        if (there)
            virDomainFree(there);
    }
    return r < 0 ? vfa_virt_fail(err, "cannot migrate domain '%s'", m->guest.live->name) : 0;
}

static void *run_call(void *opaque)
{
    struct call *call = opaque;
    int r = call_migrate(call->m, call->err);

    pthread_mutex_lock(&call->lock);
    call->r = r;
    call->done = true;
    pthread_cond_signal(&call->ended);
    pthread_mutex_unlock(&call->lock);
    return NULL;
}

/* Waits for the end of the call, for WATCH_MS at the longest. */
static bool has_ended(struct call *call)
{
    struct timespec until = vfa_clock_timespec(vfa_clock_ms() + WATCH_MS);
    bool done;
    int r = 0;

    pthread_mutex_lock(&call->lock);
    while (!call->done && r == 0)
        r = pthread_cond_clockwait(&call->ended, &call->lock, CLOCK_MONOTONIC, &until);
    done = call->done;
    pthread_mutex_unlock(&call->lock);
    return done;
}

/* With peer-to-peer migration, libvirtd of the source checks the destination itself. */
static bool is_lost(const struct migration *m)
{
    return !(m->flags & VIR_MIGRATE_PEER2PEER) && virConnectIsAlive(m->destination) == 0;
}

static int migrate_watched(struct migration *m, struct vfa_error *err)
{
    struct call call = {m, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, err};
    bool lost = false;
    pthread_t thread;
    int r = pthread_create(&thread, NULL, run_call, &call);

    if (r != 0)
        return vfa_fail(err, r, "cannot start a thread: %s", strerror(r));
    while (!has_ended(&call)) {
        if (!lost && is_lost(m))
            lost = virDomainAbortJob(m->guest.handle) == 0;
    }
    pthread_join(thread, NULL);
    if (call.r < 0 && lost)
        vfa_wrap(err, "'%s' does not answer any more", m->uri);
    return call.r;
}

/* Gives the guest its devices back. *err, the failure, gets a prefix if that fails too. */
static int undo_migration(struct migration *m, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

    cancel_rehearsal(m);
    if (m->stay.n > 0 && vfa_guest_give_back(&m->guest, &m->stay, &why) < 0)
        return vfa_wrap(err, "not all devices are back (%s)", vfa_error_text(&why));
    return -err->code;
}

/* Selects the requests that get a device at the destination, by the answer of the rehearsal. */
static void select_promised(const struct migration *m, struct vfa_request_names *ret)
{
    const struct vfa_domain *live = m->guest.live;

    ret->n = 0;
    for (size_t i = 0; i < live->n_requests && m->answer; i++) {
        VFA_AUTO(vfa_freep)
        char *device = vfa_rehearsal_device(m->answer, live->requests[i].name);

        if (device && strcmp(device, "none") != 0)
            ret->items[ret->n++] = live->requests[i].name;
    }
}

static int wait_there(struct migration *m, struct vfa_error *err)
{
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr there = NULL;
    VFA_AUTO(vfa_watch_freep) struct vfa_watch *watch = NULL;
    struct vfa_request_names names;
    int r;

    select_promised(m, &names);
    there = virDomainLookupByUUIDString(m->destination, m->guest.live->uuid);
    if (!there)
        return vfa_virt_fail(err, "cannot find domain '%s' at '%s'", m->guest.live->name, m->uri);
    r = vfa_watch_new(there, &watch, err);
    if (r == 0)
        r = vfa_guest_wait_for(there, watch, &names, m->guest.timeout, err);
    return r < 0 ? vfa_wrap(err, "it runs at '%s', but", m->uri) : 0;
}

static int do_migration(struct migration *m, struct vfa_error *err)
{
    int r = 0;

    if (m->stay.n > 0)
        r = vfa_guest_take_out(&m->guest, &m->stay, err);
    if (r == 0)
        r = migrate_watched(m, err);
    if (r < 0)
        return undo_migration(m, err);
    r = wait_there(m, err);
    if (r == 0)
        printf("domain '%s' runs at '%s'\n", m->guest.live->name, m->uri);
    return r;
}

static int prepare_migration(struct migration *m, struct vfa_error *err)
{
    int r = select_staying(m, err);

    if (r == 0)
        r = connect_destination(m, err);
    if (r < 0)
        return r;
    m->xml = virDomainGetXMLDesc(m->guest.handle, 0);
    if (!m->xml)
        return vfa_virt_fail(err, "cannot read the XML of domain '%s'", m->guest.live->name);
    return rehearse_migration(m, m->dry_run ? VFA_REHEARSAL_ASK : VFA_REHEARSAL_RESERVE, &m->answer,
                              err);
}

static int run_migration(struct migration *m, struct vfa_cmd_context *ctx, const char *domain,
                         unsigned timeout)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r = vfa_guest_open(ctx, domain, timeout, &m->guest, &err);

    if (r == 0)
        r = prepare_migration(m, &err);
    if (r == 0 && m->dry_run)
        return print_plan(m);
    if (r == 0)
        r = do_migration(m, &err);
    return r < 0 ? vfa_cmd_fail_error(&err) : VFA_CMD_FINE;
}

int vfa_cmd_migrate(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(migration_clear) struct migration m = {.guest = VFA_GUEST_INIT};
    bool p2p = false, persistent = false, undefine = false;
    const char *timeout = NULL, *operands[2];
    const struct vfa_cmd_flag flags[] = {
        {"dry-run", &m.dry_run, NULL},     {"p2p", &p2p, NULL},
        {"persistent", &persistent, NULL}, {"undefinesource", &undefine, NULL},
        {"timeout", NULL, &timeout},
    };
    const struct vfa_cmd_syntax syntax = {
        "migrate", flags, ARRAY_SIZE(flags), {"DOMAIN", "DESTURI", NULL}};
    unsigned seconds;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    if (!vfa_guest_timeout(syntax.verb, timeout, &seconds) || !vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    m.uri = operands[1];
    m.flags = VIR_MIGRATE_LIVE | (p2p ? VIR_MIGRATE_PEER2PEER : 0) |
              (persistent ? VIR_MIGRATE_PERSIST_DEST : 0) |
              (undefine ? VIR_MIGRATE_UNDEFINE_SOURCE : 0);
    return run_migration(&m, ctx, operands[0], seconds);
}
