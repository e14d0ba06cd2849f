/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon's files share. vfaliasd is a level-triggered controller: an event says only
 * *where* to look; what is to be done comes out of comparing libvirt's live XML with the claims,
 * each time anew. So no event needs to be kept, and a daemon that was killed carries on.
 *
 * Threads:
 *   main       runs the event loop: libvirt's callbacks, signals, uevents, inotify. Only puts work
 *              into the queues.
 *   connector  opens the connections, waits for their end, opens them again (daemon-connect.c).
 *   workers    do what the queue says (daemon-work.c). VFA_DAEMON_AT_WORK of them at a time: one
 *              that waits for a guest makes room for another (daemon-crew.h).
 *   holders    suspend and resume guests that wait for their devices (daemon-hold.c). They have a
 *              queue and a connection of their own, so that no guest waits for what is attached to
 *              another.
 *
 * Only the last three call libvirt and wait for it. libvirtd takes five calls of a connection at a
 * time (max_client_requests), so that four threads share one.
 *
 * `lock` guards `config`, `conns`, `connected`, `lost`, `stopping` and `awaited`; nothing is called
 * under it. The state file is opened by whoever needs it, never across a call to libvirt.
 */
#ifndef VFA_DAEMON_H
#define VFA_DAEMON_H

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdatomic.h>

#include "allocate.h"
#include "daemon-crew.h"
#include "daemon-late.h"
#include "daemon-pace.h"
#include "daemon-queue.h"
#include "daemon-rate.h"
#include "daemon-turn.h"

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
    VFA_WORK_RECONCILE = 1 << 0,  /* it runs, or did: compare and do */
    VFA_WORK_DEFINITION = 1 << 1, /* its persistent definition may lack ports or devices */
    VFA_WORK_ASKED = 1 << 2,      /* its requests were written anew */
    VFA_WORK_STORM = 1 << 12,     /* likewise, and often: what was said of it is not said again */

    VFA_WORK_SYNC = 1 << 3,     /* VFA_WORK_HOST: look at every domain */
    VFA_WORK_GC = 1 << 4,       /* VFA_WORK_HOST: drop claims that nobody backs */
    VFA_WORK_BORROWED = 1 << 8, /* VFA_WORK_HOST: a borrower has ended */
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
#define VFA_WORK_LATE_KEY    "late"

/* A configuration and how many use it; another may replace the daemon's while workers still have
 * the old. */
struct vfa_shared_config {
    atomic_uint users;
    struct vfa_config *config;
};

struct vfa_daemon {
    struct vfa_queue *queue;
    struct vfa_queue *holds;
    struct vfa_crew *crew;   /* the workers */
    struct vfa_turns *turns; /* between a worker and a holder */
    atomic_uint n_workers;   /* that have begun */
    atomic_uint n_holders;   /* likewise */
    atomic_uint suspends;    /* that libvirt is at */
    atomic_uint resumes;     /* likewise */
    struct vfa_late *late;
    struct vfa_late *unfilled;      /* who waits with a placeholder, not with a request */
    atomic_int_least64_t scans;     /* likewise, of the index: late ones are woken by it */
    atomic_int_least64_t unsettled; /* the counter of the state as it was last; -1: not known */
    struct vfa_rate *asked;         /* how often VFA_WORK_ASKED is for a domain, by its UUID */
    struct vfa_pace *pace;          /* keys as for vfa_log_change() */
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

/* ---- daemon-config.c ---- */
struct vfa_shared_config *vfa_daemon_config(struct vfa_daemon *daemon);
void vfa_shared_config_unref(struct vfa_shared_config **shared); /* fits VFA_AUTO */

/* Takes the configuration over, also when it fails. For the main thread, as the next ones. */
int vfa_daemon_set_config(struct vfa_daemon *daemon, struct vfa_config *config,
                          struct vfa_error *err);

/* Reads the configuration anew; one that cannot be used is logged, and the old one stays. */
void vfa_daemon_reload(struct vfa_daemon *daemon);

/* Does that by itself from now on, whenever the files come to say something else. */
int vfa_daemon_watch_config(struct vfa_daemon *daemon, struct vfa_error *err);

/* ---- vfaliasd.c ---- */
bool vfa_daemon_stopping(struct vfa_daemon *daemon);

/* Ends the event loop, the process with this status. */
void vfa_daemon_quit(struct vfa_daemon *daemon, int exit_status);

/* Forgets what was said and held back about a domain: it stopped, or its user asks anew. */
void vfa_daemon_forget(struct vfa_daemon *daemon, const char *uuid);

/* The same, and all else: the domain is no more. */
void vfa_daemon_gone(struct vfa_daemon *daemon, const char *uuid);

/* ---- daemon-connect.c ---- */
/* The key of vfa_log_change() for requests that are written all the time. Workers forget what
 * begins with the UUID, each time that they are written. */
#define VFA_WRITTEN_KEY_SIZE (sizeof("written/") + VFA_UUID_SIZE)
const char *vfa_daemon_written_key(const char *uuid, char *buf);

void *vfa_daemon_connector(void *daemon); /* a thread's body */

/* One of the connections with a reference of its own (virConnectClose()), or NULL while there is
 * none. */
virConnectPtr vfa_daemon_connection(struct vfa_daemon *daemon, unsigned line);
/* Since when its events come, in seconds since the epoch. */
int64_t vfa_daemon_connected(struct vfa_daemon *daemon);
void vfa_connection_unref(virConnectPtr *conn); /* fits VFA_AUTO; takes NULL */
void vfa_virt_domain_unref(virDomainPtr *domain);

/* ---- daemon-work.c ---- */
void *vfa_daemon_worker(void *daemon); /* a thread's body */

/* Opens the state; asks for vfa_sync_rebuild() when the file is new, as its claims are not those of
 * the running domains. */
int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err);
#define VFA_HOST_CLOSED                                                                            \
    {                                                                                              \
        .sysfs = { -1 }                                                                            \
    }

/* ---- daemon-sync.c ---- */
/* Looks at every domain. What it comes to is logged, and repeated with back-off if it failed. */
void vfa_sync(struct vfa_daemon *daemon, virConnectPtr conn, const struct vfa_config *config);

/* The same if the state is not synced; and asks for that, as soon as back-off permits. */
void vfa_sync_rebuild(struct vfa_daemon *daemon, virConnectPtr conn,
                      const struct vfa_config *config);
void vfa_sync_ask(struct vfa_daemon *daemon);

/* A domain could be read: nobody waits for it any longer. */
void vfa_sync_can_read(struct vfa_daemon *daemon, const char *uuid);

/* ---- daemon-reconcile.c ---- */
/* One look at one domain. Returns in how many milliseconds to look again, or VFA_LOOK_DONE. */
#define VFA_LOOK_DONE UINT_MAX
unsigned vfa_reconcile_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                              const struct vfa_config *config, const char *uuid);

/* A running domain could not be looked at: says so, and returns in how many milliseconds to try
 * again, with back-off. */
unsigned vfa_reconcile_failed(struct vfa_daemon *daemon, const char *uuid,
                              const struct vfa_error *err);

/* ---- daemon-hold.c ---- */
void *vfa_daemon_holder(void *daemon); /* a thread's body */

/* ---- daemon-unhold.c ---- */
/* Resumes every guest that waits, several at a time, as nobody will see to it any more. For the end
 * of the daemon. holders_ended: no guest will be suspended any more. Goes on until `until`
 * (milliseconds of CLOCK_MONOTONIC) where libvirt is busy with a guest. False: threads are left
 * behind that wait for it. */
bool vfa_unhold_all(struct vfa_daemon *daemon, bool holders_ended, int64_t until);

/* True if a guest waits, as far as that can be told. */
bool vfa_unhold_needed(struct vfa_daemon *daemon);

/* ---- daemon-definition.c ---- */
/* One look at one definition. What it comes to is logged. */
void vfa_definition_look(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid);

/* Somebody has written into the state: asks for looks at definitions that may be concerned. */
void vfa_definition_news(struct vfa_daemon *daemon, const struct vfa_config *config);

/* Likewise at all that the state knows of: the domains of some may be gone. */
int vfa_definition_sync(struct vfa_daemon *daemon, struct vfa_state *state, struct vfa_error *err);

/* ---- daemon-release.c ---- */
/* Finishes what is being released, and asks for the next look at what is not done then. */
void vfa_daemon_release(struct vfa_daemon *daemon, const struct vfa_config *config);

/* ---- daemon-clean.c ---- */
/* Starts the cleaners that are due, and asks for the next look while some are. */
void vfa_clean_look(struct vfa_daemon *daemon, const struct vfa_config *config);

/* ---- daemon-watch.c, daemon-uevent.c: sources of work in the event loop ---- */
int vfa_daemon_watch_state(struct vfa_daemon *daemon, const char *state_path,
                           struct vfa_error *err);
void vfa_daemon_watch_uevents(struct vfa_daemon *daemon);

/* ---- daemon-lock.c ---- */
/* The lock is held until *ret_fd is closed, and until systemd closes what it keeps of it. */
int vfa_daemon_take_lock(const char *state_path, int *ret_fd, struct vfa_error *err);

/* Has systemd keep it for the next one. For when this one is ready. */
void vfa_daemon_keep_lock(int fd);

/* ---- daemon-watchdog.c ---- */
/* Nothing to do unless systemd has asked for it. */
void vfa_daemon_feed_watchdog(void);

#endif
