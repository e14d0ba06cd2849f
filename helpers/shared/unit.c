/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See unit.h. systemd-run(1) starts the unit. With --wait and --pipe its own exit status and output
 * are those of the program; that needs the system bus, which starting a unit does not.
 */

#include "unit.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#define LINE_MAX_SIZE 512

extern char **environ;

/* ---- the command ---- */

#define MAX_ARGS 20
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

/* The path of systemd-run; NULL: systemd does not run this process. Tests name their own program. */
static const char *unit_starter(void)
{
    const char *given = secure_getenv("VFALIAS_SYSTEMD_RUN");

    if (given && *given)
        return given;
    return getppid() == 1 && sd_booted() > 0 ? "/usr/bin/systemd-run" : NULL;
}

static void add_unit(struct command *command, const char *starter, const struct vfa_unit *unit,
                     bool wait)
{
    add_arg(command, "%s", starter);
    add_arg(command, "--quiet");
    add_arg(command, "--no-ask-password");
    add_arg(command, "--collect");
    if (wait) {
        add_arg(command, "--wait");
        add_arg(command, "--pipe");
    }
    add_arg(command, "--unit=%s-%s", unit->name, unit->object);
    add_arg(command, "--description=vfalias: %s %s", unit->does, unit->object);
    add_arg(command, "--property=SyslogIdentifier=%s", unit->name);
    add_arg(command, "--property=RuntimeMaxSec=%u", unit->max_s);
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

/* *ret_starter: as unit_starter(). */
static int make_command(const struct vfa_unit *unit, bool wait, struct command *ret,
                        const char **ret_starter, struct vfa_error *err)
{
    *ret_starter = unit_starter();
    if (*ret_starter)
        add_unit(ret, *ret_starter, unit, wait);
    add_arg(ret, "%s", unit->program);
    add_config(ret, unit->config);
    if (!*ret_starter && !wait)
        add_arg(ret, "--detach");
    for (size_t i = 0; i < VFA_UNIT_ARGS && unit->args[i]; i++)
        add_arg(ret, "%s", unit->args[i]);
    return ret->oom ? vfa_fail_oom(err) : 0;
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

static int spawn_command(char *const *argv, posix_spawn_file_actions_t *actions, pid_t *ret)
{
    posix_spawnattr_t attr;
    int r = posix_spawnattr_init(&attr);

    if (r != 0)
        return -r;
    set_signals(&attr);
    r = posix_spawn(ret, argv[0], actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return -r;
}

/* The program's stderr, and with `all` its stdout, go to err_fd, unless that is -1. */
static int spawn(char *const *argv, int err_fd, bool all, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r == 0 && err_fd >= 0)
        r = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    if (r == 0 && err_fd >= 0 && all)
        r = posix_spawn_file_actions_adddup2(&actions, err_fd, STDOUT_FILENO);
    if (r != 0)
        return -r;
    r = spawn_command(argv, &actions, ret);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* ---- its output ---- */

struct reader {
    int fd;
    int64_t deadline; /* 0: none */
    void (*on_line)(void *data, const char *line);
    void *data;
    char line[LINE_MAX_SIZE];
    size_t len;
};

static void end_of_line(struct reader *reader)
{
    reader->line[reader->len] = '\0';
    if (reader->len > 0)
        reader->on_line(reader->data, reader->line);
    reader->len = 0;
}

static void take_bytes(struct reader *reader, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            end_of_line(reader);
        else if (reader->len < sizeof(reader->line) - 1)
            reader->line[reader->len++] = bytes[i];
    }
}

/* False: the time is over. */
static bool wait_for_output(const struct reader *reader)
{
    struct pollfd wanted = {.fd = reader->fd, .events = POLLIN};
    int r;

    do {
        int64_t rest = reader->deadline ? reader->deadline - vfa_clock_ms() : -1;

        if (reader->deadline && rest <= 0)
            return false;
        r = poll(&wanted, 1, (int)rest);
    } while (r < 0 && errno == EINTR);
    return r != 0;
}

/* Reads until all writers have closed the pipe. False: the time is over. */
static bool read_output(struct reader *reader)
{
    char buf[1024];
    ssize_t n;

    do {
        if (!wait_for_output(reader))
            return false;
        n = read(reader->fd, buf, sizeof(buf));
        if (n > 0)
            take_bytes(reader, buf, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    end_of_line(reader);
    return true;
}

static int collect_status(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* Runs the command. reader->on_line NULL: its output is not read. */
static int run_command(char *const *argv, bool all, struct reader *reader, int *ret_status,
                       struct vfa_error *err)
{
    int fds[2] = {-1, -1};
    bool ended = true;
    pid_t pid;
    int r;

    if (reader->on_line && pipe2(fds, O_CLOEXEC) < 0)
        return vfa_fail(err, errno, "cannot make a pipe: %s", strerror(errno));
    r = spawn(argv, fds[1], all, &pid);
    vfa_closep(&fds[1]);
    reader->fd = fds[0];
    if (r == 0 && reader->on_line)
        ended = read_output(reader);
    vfa_closep(&fds[0]);
    if (r < 0)
        return vfa_fail(err, -r, "cannot run '%s': %s", argv[0], strerror(-r));
    if (!ended)
        kill(pid, SIGKILL);
    *ret_status = collect_status(pid);
    return ended ? 0 : -ETIMEDOUT;
}

static void keep_first_line(void *data, const char *line)
{
    char *first = data;

    if (!*first)
        snprintf(first, LINE_MAX_SIZE, "%s", line);
}

int vfa_unit_start(const struct vfa_unit *unit, struct vfa_error *err)
{
    VFA_AUTO(command_clear) struct command command = {.n = 0};
    char text[LINE_MAX_SIZE] = "";
    struct reader reader = {.data = text};
    const char *starter;
    int status = 0;
    int r = make_command(unit, false, &command, &starter, err);

    if (r == 0) {
        reader.on_line = starter ? keep_first_line : NULL;
        r = run_command(command.argv, false, &reader, &status, err);
    }
    if (r < 0 || status == EXIT_SUCCESS)
        return r;
    return vfa_fail(err, ECHILD, "'%s' has failed%s%s", command.argv[0], *text ? ": " : "", text);
}

int vfa_unit_run(const struct vfa_unit *unit, unsigned limit_s,
                 void (*on_line)(void *data, const char *line), void *data, int *ret_status,
                 struct vfa_error *err)
{
    VFA_AUTO(command_clear) struct command command = {.n = 0};
    struct reader reader = {
        .deadline = vfa_clock_ms() + (int64_t)limit_s * 1000, .on_line = on_line, .data = data};
    const char *starter;
    int r = make_command(unit, true, &command, &starter, err);

    if (r == 0)
        r = run_command(command.argv, true, &reader, ret_status, err);
    if (r == -ETIMEDOUT)
        return vfa_fail(err, ETIMEDOUT, "'%s' has not ended within %u s", unit->program, limit_s);
    return r;
}
