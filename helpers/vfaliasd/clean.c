/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts the cleaners that are due: one clean-device for each claim in the state cleaning whose
 * device is not being cleaned. clean-device writes its result to the state.
 *
 * Level-triggered: a pass compares claims with the locks of clean-device (state/lock.h). So this
 * daemon may end at any point. A running cleaner goes on, and the next daemon finds its lock; a
 * cleaner that was killed left its claim unchanged, and is started again. A pass is queued when the
 * state was written, when clean-device closes its lock, and after RETRY_MS while a claim is due.
 *
 * If systemd runs this daemon, clean-device gets a transient unit: it writes to /sys and to
 * devices, which the unit of this daemon may not, and it goes on during a restart of this daemon.
 * systemd allows root to start units by its uid, without any capability. The unit is named after
 * the device, so that systemd refuses a second unit for it.
 */

#include "clean.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/release.h"
#include "state/state.h"
#include "helpers/shared/log.h"
#include "backoff.h"
#include "daemon.h"
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#define PROGRAM   PKGLIBEXECDIR "/clean-device"
#define UNIT      "vfalias-clean-"
#define START_MS  1000 /* until clean-device must have its lock */
#define RETRY_MS  10000
#define SPARE_S   60 /* more than the timeout of the cleaner itself */
#define LOG_KEY   "clean"
#define TEXT_SIZE 512

extern char **environ;

/* ---- the command ---- */

#define MAX_ARGS 16
struct command {
    char *argv[MAX_ARGS + 1]; /* the texts are owned */
    size_t n;
    bool oom;
};

static void command_clear(struct command *command)
{
    for (size_t i = 0; i < command->n; i++)
        free(command->argv[i]);
}

static void add_arg(struct command *command, const char *fmt, ...) VFA_PRINTF(2, 3);

static void add_arg(struct command *command, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (command->n == MAX_ARGS || vasprintf(&text, fmt, args) < 0)
        command->oom = true;
    else
        command->argv[command->n++] = text;
    va_end(args);
}

/* The path of systemd-run. NULL: systemd does not run this daemon, so it is not confined and starts
 * clean-device itself. Tests name their own program. */
static const char *unit_starter(void)
{
    const char *given = secure_getenv("VFALIAS_SYSTEMD_RUN");

    if (given && *given)
        return given;
    return getppid() == 1 && sd_booted() > 0 ? "/usr/bin/systemd-run" : NULL;
}

static void add_unit(struct command *command, const char *starter, const char *device,
                     unsigned seconds)
{
    add_arg(command, "%s", starter);
    add_arg(command, "--quiet");
    add_arg(command, "--no-ask-password");
    add_arg(command, "--collect");
    add_arg(command, "--unit=" UNIT "%s", device);
    add_arg(command, "--description=vfalias: cleans %s", device);
    add_arg(command, "--property=SyslogIdentifier=vfalias-clean");
    add_arg(command, "--property=RuntimeMaxSec=%u", seconds + SPARE_S);
    add_arg(command, "--property=TimeoutStopSec=30");
    add_arg(command, "--");
}

/* The absolute path of the configuration: a unit starts in another folder. */
static void add_config(struct command *command, const char *given)
{
    VFA_AUTO(vfa_freep) char *path = NULL;

    if (!given)
        given = secure_getenv("VFALIAS_CONFIG");
    path = given ? realpath(given, NULL) : NULL;
    if (path)
        add_arg(command, "--config=%s", path);
}

/* ---- starting it ---- */

static void set_signals(posix_spawnattr_t *attr)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* The program's stderr goes to err_fd, unless that is -1. */
static int spawn(char *const *argv, int err_fd, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attr);
    if (r == 0) {
        set_signals(&attr);
        if (err_fd >= 0)
            r = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
        if (r == 0)
            r = posix_spawn(ret, argv[0], &actions, &attr, argv, environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* Reads until the program has closed fd; returns the first line. */
static void read_first_line(int fd, char text[TEXT_SIZE])
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, text + len, TEXT_SIZE - 1 - len)) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        len += n > 0 ? (size_t)n : 0;
        if (len == TEXT_SIZE - 1)
            break;
    }
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static int run_command(char *const *argv, bool listen, struct vfa_error *err)
{
    char text[TEXT_SIZE] = "";
    int fds[2] = {-1, -1};
    int status = 0;
    pid_t pid;
    int r;

    if (listen && pipe2(fds, O_CLOEXEC) < 0)
        return vfa_fail(err, errno, "cannot make a pipe: %s", strerror(errno));
    r = spawn(argv, fds[1], &pid);
    if (fds[1] >= 0)
        close(fds[1]);
    if (r == 0 && listen)
        read_first_line(fds[0], text);
    if (fds[0] >= 0)
        close(fds[0]);
    if (r < 0)
        return vfa_fail(err, -r, "cannot run '%s': %s", argv[0], strerror(-r));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return vfa_fail(err, ECHILD, "'%s' has failed%s%s", argv[0], *text ? ": " : "", text);
}

static int start_cleaner(struct vfa_daemon *daemon, const struct vfa_config *config,
                         const char *device, struct vfa_error *err)
{
    VFA_AUTO(command_clear) struct command command = {.n = 0};
    const char *starter = unit_starter();

    if (starter)
        add_unit(&command, starter, device, config->clean_timeout);
    add_arg(&command, PROGRAM);
    add_config(&command, daemon->config_path);
    if (!starter)
        add_arg(&command, "--detach");
    add_arg(&command, "%s", device);
    if (command.oom)
        return vfa_fail_oom(err);
    vfa_log(LOG_DEBUG, "starting the cleaner of %s", device);
    return run_command(command.argv, starter != NULL, err);
}

/* ---- which cleaners are due ---- */

/* Returns the milliseconds until the next check of the claim; UINT_MAX: only after an event. */
static unsigned clean_if_due(struct vfa_daemon *daemon, const struct vfa_config *config,
                             const struct vfa_claim *claim, struct vfa_error *err)
{
    char key[sizeof(LOG_KEY) + VFA_DEVICE_ID_SIZE];
    unsigned left;
    bool runs;

    if (claim->state != VFA_CLAIM_CLEANING || claim->error)
        return UINT_MAX;
    snprintf(key, sizeof(key), LOG_KEY " %s", claim->device);
    left = vfa_backoff_remaining(daemon->backoff, key);
    if (left > 0)
        return left;
    if (vfa_lock_is_cleaning(config->state_path, claim->device, &runs, err) < 0 || runs)
        return RETRY_MS;
    vfa_backoff_set(daemon->backoff, key,
                    start_cleaner(daemon, config, claim->device, err) < 0 ? RETRY_MS : START_MS);
    return RETRY_MS;
}

static int read_ending(const struct vfa_config *config, struct vfa_claims *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    return r == 0 ? vfa_state_ending(state, ret, err) : r < 0 ? r : 0;
}

void vfa_clean_pass(struct vfa_daemon *daemon, const struct vfa_config *config)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    unsigned again = read_ending(config, &ending, &err) < 0 ? RETRY_MS : UINT_MAX;

    for (size_t i = 0; i < ending.n; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
        unsigned next = clean_if_due(daemon, config, &ending.items[i], &why);

        again = next < again ? next : again;
        if (why.code && !err.code)
            vfa_fail(&err, why.code, "cannot start the cleaner of %s: %s", ending.items[i].device,
                     vfa_error_text(&why));
    }
    if (err.code)
        vfa_log_change(LOG_KEY, LOG_ERR, "%s", vfa_error_text(&err));
    else
        vfa_log_forget(LOG_KEY);
    if (again != UINT_MAX)
        vfa_queue_add(daemon->queue, VFA_WORK_CLEAN_KEY, VFA_WORK_CLEAN, again);
}
