/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfaliasd: attaches the requested devices to running libvirt domains, and keeps the claims
 * correct. This file is the process: options, signals, threads. daemon.h describes the rest.
 *
 * Order of start: configuration, lock (service.h), READY=1, then the connections to libvirt.
 * libvirtd starts after this daemon: when libvirtd autostarts domains, hooks check whether vfaliasd
 * runs.
 */

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "config/config.h"
#include "state/state.h"
#include "helpers/shared/log.h"
#include "helpers/shared/virt-error.h"
#include "helpers/shared/virt-uri.h"
#include "backoff.h"
#include "config.h"
#include "connection.h"
#include "crew.h"
#include "daemon.h"
#include "hold.h"
#include "queue.h"
#include "rate.h"
#include "service.h"
#include "turn.h"
#include "uevent.h"
#include "unhold.h"
#include "waiters.h"
#include "watch.h"
#include "worker.h"

#include <errno.h>
#include <getopt.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

/* How long the end of the daemon waits for its threads; then it leaves those that wait for libvirt.
 * It waits longer while guests are suspended: plugging a device into a guest with much memory takes
 * QEMU long, since the memory is pinned. The sum of the three is less than TimeoutStopSec= of the
 * unit. */
#define STOP_MS      5000
#define STOP_HELD_MS 60000
#define LAST_MS      30000 /* libvirt's limit for a job that waits for another job */

#define KEPT_STATES 4 /* as many passes as are made at a time */

static const char synopsis[] =
#include "helpers/vfaliasd/synopsis.inc"
    ;

struct options {
    const char *config;
    const char *uri;
    int log_level; /* -1: as the configuration says */
    bool done;     /* --help or --version has been served */
};

/* ---- signals ---- */

static void on_signal(int id, int fd, int events, void *opaque)
{
    struct vfa_daemon *daemon = opaque;
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            vfa_daemon_reload(daemon);
        else
            vfa_daemon_quit(daemon, EXIT_SUCCESS);
    }
}

/* Called before any thread is created, so that all threads have these signals blocked. */
static int watch_signals(struct vfa_daemon *daemon, struct vfa_error *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_signal, daemon, NULL) < 0)
        return vfa_fail(err, EIO, "cannot watch for signals");
    return 0;
}

/* ---- threads ---- */

struct threads {
    pthread_t ids[1 + VFA_DAEMON_HOLDERS + VFA_DAEMON_WORKERS];
    size_t n;
};

static int start_threads(struct vfa_daemon *daemon, struct threads *threads, struct vfa_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(threads->ids); i++) {
        void *(*body)(void *) = i == 0                    ? vfa_daemon_connector
                                : i <= VFA_DAEMON_HOLDERS ? vfa_daemon_holder
                                                          : vfa_daemon_worker;
        int r = pthread_create(&threads->ids[i], NULL, body, daemon);

        if (r != 0)
            return vfa_fail(err, r, "cannot start a thread: %s", strerror(r));
        threads->n++;
    }
    return 0;
}

/* False if a thread has not ended in time. */
static bool join_threads(struct threads *threads, int64_t until_ms)
{
    struct timespec until = vfa_clock_timespec(until_ms);

    while (threads->n > 0 &&
           pthread_clockjoin_np(threads->ids[threads->n - 1], NULL, CLOCK_MONOTONIC, &until) == 0)
        threads->n--;
    return threads->n == 0;
}

static void tell_to_stop(struct vfa_daemon *daemon)
{
    vfa_queue_stop(daemon->queue);
    vfa_queue_stop(daemon->holds);
    pthread_mutex_lock(&daemon->lock);
    daemon->stopping = true;
    pthread_cond_broadcast(&daemon->changed);
    pthread_mutex_unlock(&daemon->lock);
}

/* Resumes suspended guests before it waits for hanging threads, and again afterwards: a holder may
 * have suspended more guests meanwhile. */
static bool stop_threads(struct vfa_daemon *daemon, struct threads *threads)
{
    bool started = threads->n > 0;
    int64_t until = vfa_clock_ms() + STOP_MS + STOP_HELD_MS;
    bool ended, resumed = true;

    tell_to_stop(daemon);
    ended = join_threads(threads, vfa_clock_ms() + STOP_MS);
    if (!ended && vfa_unhold_needed(daemon)) {
        vfa_log(LOG_INFO, "ending once libvirt is done with a guest that waits for its devices");
        resumed = vfa_unhold_all(daemon, false, until);
        ended = join_threads(threads, until);
    }
    if (!ended)
        vfa_log(LOG_WARNING, "libvirt does not answer, ending anyhow");
    if (started && vfa_unhold_needed(daemon))
        resumed = vfa_unhold_all(daemon, ended, vfa_clock_ms() + LAST_MS) && resumed;
    return ended && resumed;
}

/* ---- the daemon as a whole ---- */

/* Takes over `config`, on failure too. */
static int daemon_init(struct vfa_daemon *daemon, struct vfa_config *config, const char *uri,
                       struct vfa_error *err)
{
    pthread_condattr_t attr;
    int r;

    pthread_mutex_init(&daemon->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&daemon->changed, &attr);
    pthread_condattr_destroy(&attr);
    daemon->uri = strdup(uri ? uri : config->libvirt_uri);
    r = vfa_daemon_set_config(daemon, config, err);
    if (r < 0)
        return r;
    daemon->waiters = vfa_waiters_new();
    daemon->definition_waiters = vfa_waiters_new();
    daemon->stale_definitions = -1;
    daemon->request_rate = vfa_rate_new();
    daemon->backoff = vfa_backoff_new();
    daemon->crew = vfa_crew_new(VFA_DAEMON_AT_WORK);
    daemon->turns = vfa_turns_new();
    if (!daemon->uri || !daemon->waiters || !daemon->definition_waiters || !daemon->request_rate ||
        !daemon->backoff || !daemon->crew || !daemon->turns)
        return vfa_fail_oom(err);
    r = vfa_queue_new(VFA_WORK_SYNC, &daemon->queue, err);
    return r < 0 ? r : vfa_queue_new(VFA_WORK_HOLD, &daemon->holds, err);
}

static void daemon_clear(struct vfa_daemon *daemon)
{
    daemon->queue = vfa_queue_free(daemon->queue);
    daemon->holds = vfa_queue_free(daemon->holds);
    daemon->crew = vfa_crew_free(daemon->crew);
    daemon->turns = vfa_turns_free(daemon->turns);
    daemon->waiters = vfa_waiters_free(daemon->waiters);
    daemon->definition_waiters = vfa_waiters_free(daemon->definition_waiters);
    daemon->request_rate = vfa_rate_free(daemon->request_rate);
    daemon->backoff = vfa_backoff_free(daemon->backoff);
    vfa_shared_config_unref(&daemon->config);
    free(daemon->uri);
    pthread_cond_destroy(&daemon->changed);
    pthread_mutex_destroy(&daemon->lock);
}

static int watch_all(struct vfa_daemon *daemon, struct vfa_error *err)
{
    int r;

    if (virEventRegisterDefaultImpl() < 0 || virInitialize() < 0)
        return vfa_virt_fail(err, "cannot start the event loop");
    r = watch_signals(daemon, err);
    if (r == 0)
        r = vfa_daemon_watch_config(daemon, err);
    if (r == 0)
        r = vfa_daemon_watch_state(daemon, daemon->config->config->state_path, err);
    if (r < 0)
        return r;
    vfa_daemon_watch_uevents(daemon);
    vfa_daemon_feed_watchdog();
    return 0;
}

static int run_event_loop(struct vfa_daemon *daemon, struct threads *threads, int lock_fd,
                          struct vfa_error *err)
{
    int r = start_threads(daemon, threads, err);

    if (r < 0)
        return r;
    vfa_queue_add(daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_INDEX, 0);
    vfa_queue_add(daemon->queue, VFA_WORK_RELEASE_KEY, VFA_WORK_RELEASE, 0);
    vfa_queue_add(daemon->queue, VFA_WORK_CLEAN_KEY, VFA_WORK_CLEAN, 0);
    vfa_daemon_keep_lock(lock_fd);
    sd_notify(0, "READY=1");
    while (!daemon->quit) {
        if (virEventRunDefaultImpl() < 0)
            return vfa_virt_fail(err, "cannot run the event loop");
    }
    sd_notify(0, "STOPPING=1");
    return 0;
}

/* Takes over `config`, on failure too. */
static int run_daemon(const struct options *options, struct vfa_config *config,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int lock_fd = -1;
    struct vfa_daemon daemon = {
        .config_path = options->config,
        .log_level = options->log_level,
        .exit_status = EXIT_SUCCESS,
    };
    struct threads threads = {.n = 0};
    int r = daemon_init(&daemon, config, options->uri, err);

    if (r == 0)
        r = vfa_daemon_take_lock(daemon.config->config->state_path, &lock_fd, err);
    if (r == 0)
        r = watch_all(&daemon, err);
    if (r == 0)
        r = run_event_loop(&daemon, &threads, lock_fd, err);
    if (!stop_threads(&daemon, &threads)) /* a thread still uses the daemon */
        _exit(r < 0 ? EXIT_FAILURE : daemon.exit_status);
    r = r < 0 ? r : daemon.exit_status;
    daemon_clear(&daemon);
    return r;
}

/* ---- a configuration that cannot be used ---- */

/* systemd does not restart a daemon that ends for this reason (RestartPreventExitStatus= of the
 * unit). So guests that the last daemon left suspended are resumed first, unless another daemon
 * runs: then the guests are held by that daemon. */
static void resume_held(const struct options *options)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_closep) int lock_fd = -1;
    struct vfa_daemon daemon = {.log_level = options->log_level};
    struct vfa_config *config = NULL;
    const char *uri = options->uri;
    bool ended = true;

    if (vfa_config_load_settings(options->config, &config) < 0)
        return;
    if (!uri)
        uri = vfa_virt_check_uri(config->libvirt_uri, NULL) == 0 ? config->libvirt_uri
                                                                 : VFA_VIRT_DEFAULT_URI;
    if (daemon_init(&daemon, config, uri, &err) == 0 && vfa_unhold_needed(&daemon) &&
        vfa_daemon_take_lock(daemon.config->config->state_path, &lock_fd, &err) == 0)
        ended = vfa_unhold_all(&daemon, true, vfa_clock_ms() + LAST_MS);
    if (!ended) /* a thread still uses the daemon */
        _exit(2);
    daemon_clear(&daemon);
}

/* ---- the command line ---- */

static int usage_error(const char *why, const char *what)
{
    fprintf(stderr, "vfaliasd: %s '%s'\n%s", why, what, synopsis);
    return -EINVAL;
}

static int parse_options(int argc, char **argv, struct options *ret)
{
    enum { OPT_CONFIG = 256, OPT_URI, OPT_LOG_LEVEL, OPT_VERSION };
    static const struct option table[] = {
        {"config", required_argument, NULL, OPT_CONFIG},
        {"uri", required_argument, NULL, OPT_URI},
        {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
        {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if ((c == OPT_CONFIG || c == OPT_URI) && !*optarg)
            return usage_error("an option has an empty value:",
                               c == OPT_URI ? "--uri" : "--config");
        switch (c) {
        case OPT_CONFIG:
            ret->config = optarg;
            break;
        case OPT_URI:
            ret->uri = optarg;
            break;
        case OPT_LOG_LEVEL:
            if (vfa_parse_log_level(optarg, &ret->log_level) < 0)
                return usage_error("no such log level:", optarg);
            break;
        case OPT_VERSION:
        case 'h':
            fputs(c == 'h' ? synopsis : "vfaliasd " PACKAGE_VERSION "\n", stdout);
            ret->done = true;
            return 0;
        default:
            return usage_error(c == ':' ? "a value is missing after" : "cannot understand",
                               argv[optind - 1]);
        }
    }
    return optind < argc ? usage_error("cannot understand", argv[optind]) : 0;
}

int main(int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct options options = {.log_level = -1};
    struct vfa_config *config = NULL;
    int r;

    if (parse_options(argc, argv, &options) < 0)
        return 2;
    if (options.done)
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    vfa_log_init("vfaliasd", options.log_level >= 0 ? options.log_level : LOG_INFO);
    vfa_virt_quiet();
    r = vfa_config_load(options.config, &config, &err);
    if (r == 0 && !options.uri)
        r = vfa_virt_check_uri(config->libvirt_uri, &err);
    if (r < 0) {
        vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
        vfa_config_free(config);
        resume_held(&options);
        return 2;
    }
    vfa_state_keep(KEPT_STATES);
    r = run_daemon(&options, config, &err);
    vfa_state_keep(0);
    if (r < 0)
        vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
