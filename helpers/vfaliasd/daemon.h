/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon's files share. vfaliasd is a level-triggered controller: an event says only
 * *where* to look; what is to be done comes out of comparing libvirt's live XML with the claims,
 * each time anew. So no event needs to be kept, and a daemon that was killed carries on.
 *
 * Threads:
 *   main       runs the event loop: libvirt's callbacks, signals, uevents, inotify. Only puts work
 *              into the queues.
 *   connector  opens the connections, waits for their end, opens them again (connection.h).
 *   workers    do what the queue says (worker.h). VFA_DAEMON_AT_WORK of them at a time: one
 *              that waits for a guest makes room for another (crew.h).
 *   holders    suspend and resume guests that wait for their devices (hold.h). They have a
 *              queue and a connection of their own, so that no guest waits for what is attached to
 *              another.
 *
 * Only the last three call libvirt and wait for it. libvirtd takes five calls of a connection at a
 * time (max_client_requests), so that four threads share one.
 *
 * `lock` guards `config`, `conns`, `connected`, `lost`, `stopping` and `awaited`; nothing is called
 * under it. The state file is opened by whoever needs it, never across a call to libvirt.
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
#define VFA_DAEMON_SUSPENDS 2 /* of them at a time: QEMU may hang at it, and others are resumed */
#define VFA_DAEMON_SHARE    4 /* threads of one connection */

/* Connections are numbered: those of the workers, the first of which gets the events, then, from
 * VFA_DAEMON_HOLD_LINE on, those of the holders. */
#define VFA_DAEMON_HOLD_LINE (VFA_DAEMON_WORKERS / VFA_DAEMON_SHARE)
#define VFA_DAEMON_LINES     (VFA_DAEMON_HOLD_LINE + VFA_DAEMON_HOLDERS / VFA_DAEMON_SHARE)

/* Reasons in the queue. Those of the first group go with a domain's UUID as key. */
enum {
    VFA_WORK_RECONCILE = 1 << 0,        /* it runs, or did: compare and do */
    VFA_WORK_DEFINITION = 1 << 1,       /* its persistent definition may lack ports or devices */
    VFA_WORK_REQUESTS_CHANGED = 1 << 2, /* its requests were written anew */
    VFA_WORK_STORM = 1 << 12, /* likewise, and often: what was said of it is not said again */

    VFA_WORK_SYNC = 1 << 3,     /* VFA_WORK_HOST: look at every domain */
    VFA_WORK_GC = 1 << 4,       /* VFA_WORK_HOST: drop claims that nobody backs */
    VFA_WORK_LEASED = 1 << 8,   /* VFA_WORK_HOST: a borrower has ended */
    VFA_WORK_REBUILD = 1 << 11, /* VFA_WORK_HOST: VFA_WORK_SYNC if the state is not synced */

    VFA_WORK_INDEX = 1 << 5,  /* VFA_WORK_INDEX_KEY: rebuild the index if it is not fresh */
    VFA_WORK_RESCAN = 1 << 6, /* VFA_WORK_INDEX_KEY: rebuild it in any case */

    VFA_WORK_FREED = 1 << 7, /* VFA_WORK_LATE_KEY: a device may have become free */

    VFA_WORK_RELEASE = 1 << 13, /* VFA_WORK_RELEASE_KEY: some claims are being released */
    VFA_WORK_CLEAN = 1 << 14,   /* VFA_WORK_CLEAN_KEY: a cleaner may be due */

    /* in the queue of the holders, with a domain's UUID or VFA_WORK_HOST: all that are held */
    VFA_WORK_HOLD = 1 << 9,  /* its guest may have to be suspended or resumed */
    VFA_WORK_TELL = 1 << 10, /* likewise; then a worker is to look at it */
};
#define VFA_WORK_RELEASE_KEY "release"
#define VFA_WORK_CLEAN_KEY   "clean"
#define VFA_WORK_INDEX_KEY   "index" /* of its own: a scan waits for no domain */
#define VFA_WORK_WAITERS_KEY "late"

struct vfa_daemon {
    struct vfa_queue *queue;
    struct vfa_queue *holds;
    struct vfa_crew *crew;   /* the workers */
    struct vfa_turns *turns; /* between a worker and a holder */
    atomic_uint n_workers;   /* that have begun */
    atomic_uint n_holders;   /* likewise */
    atomic_uint suspends;    /* that libvirt is at */
    atomic_uint resumes;     /* likewise */
    struct vfa_waiters *waiters;
    struct vfa_waiters *definition_waiters; /* who waits with a placeholder, not with a request */
    atomic_int_least64_t scans;             /* likewise, of the index: late ones are woken by it */
    atomic_int_least64_t
        stale_definitions; /* the counter of the state as it was last; -1: not known */
    struct vfa_rate
        *request_rate; /* how often VFA_WORK_REQUESTS_CHANGED is for a domain, by its UUID */
    struct vfa_backoff *backoff; /* keys as for vfa_log_change() */
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* lost or stopping */
    const char *config_path; /* --config, or NULL */
    int log_level;           /* --log-level; -1: as the configuration says */
    struct vfa_shared_config *config;
    bool config_kept; /* the one that was read last cannot be used; the main thread's */
    virConnectPtr conns[VFA_DAEMON_LINES]; /* NULL: not connected */
    int64_t connected;                     /* seconds since the epoch */
    bool lost;                             /* one of them has told that it is closed */
    bool stopping;
    char awaited[VFA_UUID_SIZE]; /* a domain whose XML the rebuilding waits for; "": none */
    char *uri;
    atomic_bool quit; /* ends the event loop */
    int exit_status;
};

/* Opens the state; asks for vfa_sync_rebuild() when the file is new, as its claims are not those of
 * the running domains. */
int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err);

bool vfa_daemon_stopping(struct vfa_daemon *daemon);

/* Ends the event loop, the process with this status. */
void vfa_daemon_quit(struct vfa_daemon *daemon, int exit_status);

/* Forgets what was said and held back about a domain: it stopped, or its user asks anew. */
void vfa_daemon_forget(struct vfa_daemon *daemon, const char *uuid);

/* The same, and all else: the domain is no more. */
void vfa_daemon_gone(struct vfa_daemon *daemon, const char *uuid);

/* The key of vfa_log_change() for requests that are written all the time. Workers forget what
 * begins with the UUID, each time that they are written. */
#define VFA_WRITTEN_KEY_SIZE (sizeof("written/") + VFA_UUID_SIZE)
const char *vfa_daemon_written_key(const char *uuid, char *buf);

/* ---- a state file that was lost ---- */

#define VFA_SYNC_BACKOFF_KEY "sync" /* in daemon->pace */

/* Asks for vfa_sync_rebuild(), as soon as back-off permits. */
void vfa_sync_ask(struct vfa_daemon *daemon);

/* A domain could be read: nobody waits for it any longer. */
void vfa_sync_can_read(struct vfa_daemon *daemon, const char *uuid);

#endif
