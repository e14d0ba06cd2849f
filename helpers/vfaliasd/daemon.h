/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon's files share. vfaliasd is a level-triggered controller. An event says only which
 * domain to look at; each pass compares the live XML of libvirt with the claims and does what is
 * missing. So no event needs to be stored, and a new daemon goes on where a killed daemon stopped.
 *
 * Threads:
 *   main       One. Runs the event loop: libvirt's callbacks (connection.h), signals, inotify
 *              (config.h, watch.h), uevents (uevent.h). It only adds work to the queues.
 *   connector  One. Opens the connections, and opens them again when they are lost (connection.h).
 *   workers    VFA_DAEMON_WORKERS. They do the work of `queue` (worker.h), VFA_DAEMON_AT_WORK at a
 *              time: a worker that waits for a guest makes room for another worker (crew.h).
 *   holders    VFA_DAEMON_HOLDERS. They do the work of `holds`: they suspend guests that wait for
 *              their devices, and resume them (hold.h).
 *
 * Connector, workers and holders call libvirt and wait for it; the main thread never does. Holders
 * have connections of their own, so that no guest waits while a device is attached to another
 * guest. libvirtd serves five calls of a connection at a time (max_client_requests), so
 * VFA_DAEMON_SHARE threads share a connection.
 *
 * `lock` guards `config`, `conns`, `connected`, `lost`, `stopping` and `awaited`. Nothing waits
 * while it is held. Each step opens the state file for itself; no transaction is open during
 * a call to libvirt.
 */
#ifndef VFA_VFALIASD_DAEMON_H
#define VFA_VFALIASD_DAEMON_H

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "host/host.h"

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdatomic.h>

struct vfa_crew;
struct vfa_waiters;
struct vfa_backoff;
struct vfa_queue;
struct vfa_rate;
struct vfa_shared_config;
struct vfa_turns;

#define VFA_DAEMON_AT_WORK  4
#define VFA_DAEMON_WORKERS  12 /* with 8 holders: max_workers of libvirtd */
#define VFA_DAEMON_HOLDERS  8
#define VFA_DAEMON_SUSPENDS 2 /* holders that suspend at a time; the others can still resume */
#define VFA_DAEMON_SHARE    4 /* threads that share one connection */

/* Connections are numbered: first those of the workers, of which number 0 gets the events, then,
 * from VFA_DAEMON_HOLD_LINE on, those of the holders. */
#define VFA_DAEMON_HOLD_LINE (VFA_DAEMON_WORKERS / VFA_DAEMON_SHARE)
#define VFA_DAEMON_LINES     (VFA_DAEMON_HOLD_LINE + VFA_DAEMON_HOLDERS / VFA_DAEMON_SHARE)

/* Reasons in the queue. Those of the first group have a domain's UUID as key. */
enum {
    VFA_WORK_RECONCILE = 1 << 0,        /* the domain runs or has stopped: make a pass */
    VFA_WORK_DEFINITION = 1 << 1,       /* the definition may lack ports or devices */
    VFA_WORK_REQUESTS_CHANGED = 1 << 2, /* its requests were written */
    VFA_WORK_STORM = 1 << 12,           /* the same, but often: messages are not repeated */

    VFA_WORK_SYNC = 1 << 3,     /* VFA_WORK_HOST: check every domain */
    VFA_WORK_GC = 1 << 4,       /* VFA_WORK_HOST: release claims without a running domain */
    VFA_WORK_LEASED = 1 << 8,   /* VFA_WORK_HOST: a lease holder has ended */
    VFA_WORK_REBUILD = 1 << 11, /* VFA_WORK_HOST: VFA_WORK_SYNC if the state is not synced */

    VFA_WORK_INDEX = 1 << 5,  /* VFA_WORK_INDEX_KEY: rebuild the index if it is not fresh */
    VFA_WORK_RESCAN = 1 << 6, /* VFA_WORK_INDEX_KEY: rebuild the index in any case */

    VFA_WORK_FREED = 1 << 7, /* VFA_WORK_WAITERS_KEY: a device may have become free */

    VFA_WORK_RELEASE = 1 << 13, /* VFA_WORK_RELEASE_KEY: some claims are being released */
    VFA_WORK_CLEAN = 1 << 14,   /* VFA_WORK_CLEAN_KEY: a cleaner may be due */

    /* In the queue of the holders. Key: a domain's UUID, or VFA_WORK_HOST for all held guests. */
    VFA_WORK_HOLD = 1 << 9,  /* the guest may have to be suspended or resumed */
    VFA_WORK_TELL = 1 << 10, /* the same; then queue VFA_WORK_RECONCILE for a worker */
};
#define VFA_WORK_RELEASE_KEY "release"
#define VFA_WORK_CLEAN_KEY   "clean"
#define VFA_WORK_INDEX_KEY   "index" /* a key of its own: a scan waits for no domain */
#define VFA_WORK_WAITERS_KEY "late"

struct vfa_daemon {
    struct vfa_queue *queue;
    struct vfa_queue *holds;
    struct vfa_crew *crew;   /* the workers */
    struct vfa_turns *turns; /* whether a worker or a holder works on a domain */
    atomic_uint n_workers;   /* that were started */
    atomic_uint n_holders;   /* likewise */
    atomic_uint suspends;    /* calls that wait in libvirt now */
    atomic_uint resumes;     /* likewise */
    struct vfa_waiters *waiters;
    struct vfa_waiters *definition_waiters; /* that wait for a placeholder, not for a request */
    atomic_int_least64_t scans; /* last value of VFA_COUNTER_SCANS; a change wakes `waiters` */
    atomic_int_least64_t stale_definitions; /* last VFA_COUNTER_STALE_DEFINITIONS; -1: unknown */
    struct vfa_rate *request_rate;          /* limits VFA_WORK_REQUESTS_CHANGED for each UUID */
    struct vfa_backoff *backoff;            /* keys as for vfa_log_change() */
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* lost or stopping */
    const char *config_path; /* --config, or NULL */
    int log_level;           /* --log-level; -1: as the configuration says */
    struct vfa_shared_config *config;
    bool config_kept; /* the configuration that was read last is not usable; main thread only */
    virConnectPtr conns[VFA_DAEMON_LINES]; /* NULL: not connected */
    int64_t connected;                     /* seconds since the epoch */
    bool lost;                             /* a connection was closed */
    bool stopping;
    char awaited[VFA_UUID_SIZE]; /* UUID of a domain whose XML the rebuild waits for; "": none */
    char *uri;
    atomic_bool quit; /* ends the event loop */
    int exit_status;
};

/* Opens the state. A new state file lacks the claims of the running domains: then this queues
 * vfa_sync_rebuild(). */
int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err);

bool vfa_daemon_stopping(struct vfa_daemon *daemon);

/* Ends the event loop; the process ends with this exit status. */
void vfa_daemon_quit(struct vfa_daemon *daemon, int exit_status);

/* Forgets the logged messages and the back-off of a domain: the domain has stopped, or its user has
 * written its requests. */
void vfa_daemon_forget(struct vfa_daemon *daemon, const char *uuid);

/* The same for a domain that no longer exists: also forgets vfa_daemon_written_key(). */
void vfa_daemon_gone(struct vfa_daemon *daemon, const char *uuid);

/* The key of vfa_log_change() for requests that are written all the time. It does not begin with
 * the UUID: workers forget all keys that do each time that requests are written. */
#define VFA_WRITTEN_KEY_SIZE (sizeof("written/") + VFA_UUID_SIZE)
const char *vfa_daemon_written_key(const char *uuid, char *buf);

/* ---- a state file that was lost ---- */

#define VFA_SYNC_BACKOFF_KEY "sync" /* in daemon->backoff */

/* Queues vfa_sync_rebuild() for the end of its back-off. */
void vfa_sync_ask(struct vfa_daemon *daemon);

/* The domain could be read: a rebuild no longer waits for it. */
void vfa_sync_can_read(struct vfa_daemon *daemon, const char *uuid);

#endif
