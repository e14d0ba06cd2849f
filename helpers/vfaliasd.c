/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfaliasd: gives running libvirt domains the devices that they ask for, and keeps the claims true.
 * This file is the process: options, configuration, signals, threads. What it does for domains
 * begins in daemon.h.
 *
 * Order of start: configuration, lock (daemon-lock.c), READY=1, and only then libvirt, because
 * libvirtd starts after this daemon (hooks ask whether it is there when libvirtd autostarts
 * domains).
 */
#include <errno.h>
#include <getopt.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon.h"
#include "log.h"
#include "virt-error.h"

#define STOP_SECONDS 5 /* then a worker that waits for libvirt is left where it is */

static const char synopsis[] =
#include "helpers/vfaliasd-synopsis.inc"
    ;

struct options {
    const char *config;
    const char *uri;
    int log_level; /* -1: as the configuration says */
    bool done;     /* --help or --version has been served */
};

/* ---- the configuration in use ---- */

static struct vfa_shared_config *share(struct vfa_config *config)
{
    struct vfa_shared_config *shared = calloc(1, sizeof(*shared));

    if (!shared)
        return NULL;
    shared->users = 1;
    shared->config = config;
    return shared;
}

struct vfa_shared_config *vfa_daemon_config(struct vfa_daemon *daemon)
{
    struct vfa_shared_config *shared;

    pthread_mutex_lock(&daemon->lock);
    shared = daemon->config;
    shared->users++;
    pthread_mutex_unlock(&daemon->lock);
    return shared;
}

void vfa_shared_config_unref(struct vfa_shared_config **shared)
{
    if (!*shared || --(*shared)->users > 0)
        return;
    vfa_config_free((*shared)->config);
    free(*shared);
}

/* What was opened once at the start stays as it is until the next one. */
static int check_unchanged(struct vfa_daemon *daemon, const struct vfa_config *next,
                           struct vfa_error *err)
{
    const struct vfa_config *now = daemon->config->config;

    if (strcmp(now->state_path, next->state_path) != 0)
        return vfa_fail(err, EINVAL, "another 'state' needs a restart of the daemon");
    if (strcmp(now->libvirt_uri, next->libvirt_uri) != 0)
        return vfa_fail(err, EINVAL, "another 'libvirt_uri' needs a restart of the daemon");
    return 0;
}

static void set_log_level(const struct options *options, const struct vfa_config *config)
{
    vfa_log_set_level(options->log_level >= 0 ? options->log_level : config->log_level);
}

static void log_warnings(const struct vfa_config *config)
{
    for (size_t i = 0; i < config->n_warnings; i++)
        vfa_log(LOG_WARNING, "%s", config->warnings[i]);
}

static int load_next(struct vfa_daemon *daemon, const char *path, struct vfa_shared_config **ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    int r = vfa_config_load(path, &config, err);

    if (r == 0)
        r = check_unchanged(daemon, config, err);
    if (r < 0)
        return r;
    *ret = share(config);
    if (!*ret)
        return vfa_fail_oom(err);
    config = NULL;
    return 0;
}

static void reload(struct vfa_daemon *daemon, const struct options *options)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_shared_config *next = NULL;
    struct vfa_shared_config *old;

    if (load_next(daemon, options->config, &next, &err) < 0) {
        vfa_log(LOG_ERR, "keeping the old configuration: %s", vfa_error_text(&err));
        return;
    }
    pthread_mutex_lock(&daemon->lock);
    old = daemon->config;
    daemon->config = next;
    pthread_mutex_unlock(&daemon->lock);
    vfa_shared_config_unref(&old);
    set_log_level(options, next->config);
    log_warnings(next->config);
    vfa_log(LOG_INFO, "the configuration was read anew");
    vfa_queue_add(daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_INDEX, 0);
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC, 0);
}

/* ---- signals ---- */

struct signals {
    struct vfa_daemon *daemon;
    const struct options *options;
};

static void on_signal(int id, int fd, int events, void *opaque)
{
    const struct signals *signals = opaque;
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            reload(signals->daemon, signals->options);
        else
            vfa_daemon_quit(signals->daemon, EXIT_SUCCESS);
    }
}

/* Before any thread is made, so that all of them have these signals blocked. */
static int watch_signals(struct signals *signals, struct vfa_error *err)
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
    if (fd < 0 || virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_signal, signals, NULL) < 0)
        return vfa_fail(err, EIO, "cannot watch for signals");
    return 0;
}

/* ---- threads ---- */

struct threads {
    pthread_t ids[VFA_DAEMON_WORKERS + 1];
    size_t n;
};

static int start_threads(struct vfa_daemon *daemon, struct threads *threads, struct vfa_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(threads->ids); i++) {
        void *(*body)(void *) = i == 0 ? vfa_daemon_connector : vfa_daemon_worker;
        int r = pthread_create(&threads->ids[i], NULL, body, daemon);

        if (r != 0)
            return vfa_fail(err, r, "cannot start a thread: %s", strerror(r));
        threads->n++;
    }
    return 0;
}

/* False if one of them does not come back. */
static bool stop_threads(struct vfa_daemon *daemon, struct threads *threads)
{
    struct timespec until;
    bool all = true;

    vfa_queue_stop(daemon->queue);
    pthread_mutex_lock(&daemon->lock);
    daemon->stopping = true;
    pthread_cond_broadcast(&daemon->changed);
    pthread_mutex_unlock(&daemon->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    for (size_t i = 0; i < threads->n; i++)
        all = pthread_timedjoin_np(threads->ids[i], NULL, &until) == 0 && all;
    return all;
}

void vfa_daemon_forget(struct vfa_daemon *daemon, const char *uuid)
{
    vfa_log_forget(uuid);
    vfa_pace_forget(daemon->pace, uuid);
}

void vfa_daemon_quit(struct vfa_daemon *daemon, int exit_status)
{
    daemon->exit_status = exit_status;
    daemon->quit = true;
}

/* ---- the daemon as a whole ---- */

static int init(struct vfa_daemon *daemon, struct vfa_config *config, const char *uri,
                struct vfa_error *err)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&daemon->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&daemon->changed, &attr);
    pthread_condattr_destroy(&attr);
    daemon->uri = strdup(uri ? uri : config->libvirt_uri);
    daemon->config = share(config);
    if (!daemon->uri || !daemon->config) {
        if (!daemon->config)
            vfa_config_free(config);
        return vfa_fail_oom(err);
    }
    daemon->late = vfa_late_new();
    daemon->unfilled = vfa_late_new();
    daemon->unsettled = -1;
    daemon->pace = vfa_pace_new();
    if (!daemon->late || !daemon->unfilled || !daemon->pace)
        return vfa_fail_oom(err);
    return vfa_queue_new(VFA_WORK_SYNC, &daemon->queue, err);
}

static void clear(struct vfa_daemon *daemon)
{
    daemon->queue = vfa_queue_free(daemon->queue);
    daemon->late = vfa_late_free(daemon->late);
    daemon->unfilled = vfa_late_free(daemon->unfilled);
    daemon->pace = vfa_pace_free(daemon->pace);
    vfa_shared_config_unref(&daemon->config);
    free(daemon->uri);
    pthread_cond_destroy(&daemon->changed);
    pthread_mutex_destroy(&daemon->lock);
}

static int watch_all(struct vfa_daemon *daemon, struct signals *signals, const char *state_path,
                     struct vfa_error *err)
{
    int r;

    if (virEventRegisterDefaultImpl() < 0 || virInitialize() < 0)
        return vfa_virt_fail(err, "cannot start the event loop");
    r = watch_signals(signals, err);
    if (r == 0)
        r = vfa_daemon_watch_state(daemon, state_path, err);
    if (r < 0)
        return r;
    vfa_daemon_watch_uevents(daemon);
    vfa_daemon_feed_watchdog();
    return 0;
}

static int run(struct vfa_daemon *daemon, struct threads *threads, int lock_fd,
               struct vfa_error *err)
{
    int r = start_threads(daemon, threads, err);

    if (r < 0)
        return r;
    vfa_queue_add(daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_INDEX, 0);
    vfa_daemon_keep_lock(lock_fd);
    sd_notify(0, "READY=1");
    while (!daemon->quit) {
        if (virEventRunDefaultImpl() < 0)
            return vfa_virt_fail(err, "cannot run the event loop");
    }
    sd_notify(0, "STOPPING=1");
    return 0;
}

/* Takes the configuration over. */
static int serve(const struct options *options, struct vfa_config *config, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int lock_fd = -1;
    struct vfa_daemon daemon = {.exit_status = EXIT_SUCCESS};
    struct signals signals = {&daemon, options};
    struct threads threads = {.n = 0};
    int r = init(&daemon, config, options->uri, err);

    if (r == 0)
        r = vfa_daemon_take_lock(daemon.config->config->state_path, &lock_fd, err);
    if (r == 0)
        r = watch_all(&daemon, &signals, daemon.config->config->state_path, err);
    if (r == 0)
        r = run(&daemon, &threads, lock_fd, err);
    if (!stop_threads(&daemon, &threads)) {
        vfa_log(LOG_WARNING, "libvirt does not answer, ending anyhow");
        _exit(r < 0 ? EXIT_FAILURE : daemon.exit_status);
    }
    if (threads.n > 0)
        vfa_hold_end_all(&daemon);
    r = r < 0 ? r : daemon.exit_status;
    clear(&daemon);
    return r;
}

/* ---- the command line ---- */

static int usage(const char *why, const char *what)
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
        switch (c) {
        case OPT_CONFIG:
            ret->config = optarg;
            break;
        case OPT_URI:
            ret->uri = optarg;
            break;
        case OPT_LOG_LEVEL:
            if (vfa_parse_log_level(optarg, &ret->log_level) < 0)
                return usage("no such log level:", optarg);
            break;
        case OPT_VERSION:
        case 'h':
            fputs(c == 'h' ? synopsis : "vfaliasd " PACKAGE_VERSION "\n", stdout);
            ret->done = true;
            return 0;
        default:
            return usage(c == ':' ? "a value is missing after" : "cannot understand",
                         argv[optind - 1]);
        }
    }
    return optind < argc ? usage("cannot understand", argv[optind]) : 0;
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
    if (r < 0) {
        vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
        return 2;
    }
    set_log_level(&options, config);
    log_warnings(config);
    r = serve(&options, config, &err);
    if (r < 0)
        vfa_log(LOG_ERR, "%s", vfa_error_text(&err));
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
