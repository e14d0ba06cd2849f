/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon's files share. vfaliasd is a level-triggered controller: an event says only
 * *where* to look; what is to be done comes out of comparing libvirt's live XML with the claims,
 * each time anew. So no event needs to be kept, and a daemon that was killed carries on.
 *
 * Threads:
 *   main       runs the event loop: libvirt's callbacks, signals, uevents, inotify. Only puts work
 * into the queue. connector  opens the connection, waits for its end, opens it again
 * (daemon-connect.c). workers    do what the queue says (daemon-work.c). Only they and the
 * connector call libvirt and wait for it. Four, since libvirtd takes five calls of a connection at
 * a time (max_client_requests) and one is for the connector; a guest whose monitor hangs takes one
 * worker out.
 *
 * `lock` guards `config`, `conn`, `connected`, `lost` and `stopping`; nothing is called under it.
 * The state file is opened by whoever needs it, never across a call to libvirt.
 */
#ifndef VFA_DAEMON_H
#define VFA_DAEMON_H

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdatomic.h>

#include "allocate.h"
#include "daemon-late.h"
#include "daemon-pace.h"
#include "daemon-queue.h"

#define VFA_DAEMON_WORKERS 4

/* Reasons in the queue. Those of the first group go with a domain's UUID as key. */
enum {
    VFA_WORK_RECONCILE = 1 << 0,  /* it runs, or did: compare and do */
    VFA_WORK_DEFINITION = 1 << 1, /* its persistent definition may lack ports or devices */
    VFA_WORK_ASKED = 1 << 2,      /* its requests were written anew */

    VFA_WORK_SYNC = 1 << 3,     /* VFA_WORK_HOST: look at every domain */
    VFA_WORK_GC = 1 << 4,       /* VFA_WORK_HOST: drop claims that nobody backs */
    VFA_WORK_BORROWED = 1 << 8, /* VFA_WORK_HOST: a borrower has ended */

    VFA_WORK_INDEX = 1 << 5,  /* VFA_WORK_INDEX_KEY: rebuild the index if it is not fresh */
    VFA_WORK_RESCAN = 1 << 6, /* VFA_WORK_INDEX_KEY: rebuild it in any case */

    VFA_WORK_FREED = 1 << 7, /* VFA_WORK_LATE_KEY: a device may have become free */
};
#define VFA_WORK_INDEX_KEY "index" /* of its own: a scan waits for no domain */
#define VFA_WORK_LATE_KEY  "late"

/* A configuration and how many use it; another may replace the daemon's while workers still have
 * the old. */
struct vfa_shared_config {
    atomic_uint users;
    struct vfa_config *config;
};

struct vfa_daemon {
    struct vfa_queue *queue;
    struct vfa_late *late;
    struct vfa_late *unfilled;      /* who waits with a placeholder, not with a request */
    atomic_int_least64_t unsettled; /* the counter of the state as it was last; -1: not known */
    struct vfa_pace *pace;          /* keys as for vfa_log_change() */
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* lost or stopping */
    const char *config_path; /* --config, or NULL */
    int log_level;           /* --log-level; -1: as the configuration says */
    struct vfa_shared_config *config;
    virConnectPtr conn; /* NULL: not connected */
    int64_t connected;  /* seconds since the epoch; of conn */
    bool lost;          /* conn has told that it is closed */
    bool stopping;
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

/* Does that by itself from now on, whenever the files change. */
int vfa_daemon_watch_config(struct vfa_daemon *daemon, struct vfa_error *err);

/* ---- vfaliasd.c ---- */
/* Ends the event loop, the process with this status. */
void vfa_daemon_quit(struct vfa_daemon *daemon, int exit_status);

/* Forgets what was said and held back about a domain: it stopped, or its user asks anew. */
void vfa_daemon_forget(struct vfa_daemon *daemon, const char *uuid);

/* ---- daemon-connect.c ---- */
void *vfa_daemon_connector(void *daemon); /* a thread's body */

/* The connection with a reference of its own (virConnectClose()), or NULL while there is none. */
virConnectPtr vfa_daemon_connection(struct vfa_daemon *daemon);
/* Since when its events come, in seconds since the epoch. */
int64_t vfa_daemon_connected(struct vfa_daemon *daemon);
void vfa_connection_unref(virConnectPtr *conn); /* fits VFA_AUTO; takes NULL */
void vfa_virt_domain_unref(virDomainPtr *domain);

/* ---- daemon-work.c ---- */
void *vfa_daemon_worker(void *daemon); /* a thread's body */

/* Opens the state; asks for a sync when the file is new, as its claims are not those of the running
 * domains. */
int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err);
#define VFA_HOST_CLOSED                                                                            \
    {                                                                                              \
        .sysfs = { -1 }                                                                            \
    }

/* ---- daemon-reconcile.c ---- */
/* One look at one domain. Returns in how many milliseconds to look again, or VFA_LOOK_DONE. */
#define VFA_LOOK_DONE UINT_MAX
unsigned vfa_reconcile_domain(struct vfa_daemon *daemon, virConnectPtr conn,
                              const struct vfa_config *config, const char *uuid);

/* Makes the claims say what a running domain has. 0, VFA_RECONCILE_NOT_RUNNING or an error. */
enum {
    VFA_RECONCILE_NOT_RUNNING = 1,
};
int vfa_reconcile_reassert(const struct vfa_config *config, virDomainPtr domain,
                           struct vfa_error *err);

/* ---- daemon-hold.c ---- */
/* Resumes every guest that waits, as nobody will see to it any more. For the end of the daemon,
 * when nothing else runs, or hangs. */
void vfa_hold_end_all(struct vfa_daemon *daemon);

/* True if a guest waits. */
bool vfa_hold_any(struct vfa_daemon *daemon);

/* ---- daemon-definition.c ---- */
/* One look at one definition. What it comes to is logged. */
void vfa_definition_look(struct vfa_daemon *daemon, virConnectPtr conn,
                         const struct vfa_config *config, const char *uuid);

/* Somebody has written into the state: asks for looks at definitions that may be concerned. */
void vfa_definition_news(struct vfa_daemon *daemon, const struct vfa_config *config);

/* Likewise at all that the state knows of: the domains of some may be gone. */
int vfa_definition_sync(struct vfa_daemon *daemon, const struct vfa_config *config,
                        struct vfa_error *err);

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
