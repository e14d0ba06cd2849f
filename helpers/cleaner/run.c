/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See run.h. wait_for_end() is the one loop: it waits for output, signals and the time limit. */

#include "run.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LINE_SIZE 240 /* the rest of a longer line is dropped */
#define CHILD_FD  3   /* the lock's descriptor in the cleaner */

enum stage { RUNNING, ASKED_TO_END, KILLED, GIVEN_UP };

struct run {
    const struct vfa_clean_job *job;
    pid_t pid;
    int out; /* read end of the cleaner's output; -1 after end of file */
    int signals;
    enum stage stage;
    int64_t due; /* start of the next stage, milliseconds of base/clock.h */
    bool timed_out;
    bool stopped;
    bool ended;
    siginfo_t end;
    char line[LINE_SIZE];
    size_t len;
    char last[LINE_SIZE]; /* the last line that is not empty */
};

/* ---- in the child, between fork() and execve() ---- */

static void reset_signals(void)
{
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Leaves descriptors 0 to 3 open and closes all others. `out` and `lock` may be 0 to 3 themselves,
 * so both are duplicated above 3 first. */
static int arrange_fds(int out, int lock)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int high_out = fcntl(out, F_DUPFD_CLOEXEC, CHILD_FD + 1);
    int high_lock = fcntl(lock, F_DUPFD_CLOEXEC, CHILD_FD + 1);

    if (null < 0 || high_out < 0 || high_lock < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(high_out, STDOUT_FILENO) < 0 || dup2(high_out, STDERR_FILENO) < 0 ||
        dup2(high_lock, CHILD_FD) < 0)
        return -1;
    (void)close_range(CHILD_FD + 1, ~0U, 0); /* descriptors that this program inherited */
    return 0;
}

/* The OOM killer spares vfaliasd (OOMScoreAdjust= in its unit). A cleaner that vfaliasd starts as
 * its own child must not inherit that. */
static void reset_oom_score(void)
{
    VFA_AUTO(vfa_closep) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "0", 1) < 0)
        return; /* cleaning works without the reset */
}

static void become_cleaner(const struct vfa_clean_job *job, pid_t parent, int out)
{
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char locale[] = "LC_ALL=C";
    char *const env[] = {path, locale, NULL};
    char *const argv[] = {(char *)job->name, (char *)job->kind, (char *)job->device,
                          (char *)job->uuid, NULL};

    setsid();
    umask(022);
    reset_oom_score();
    reset_signals();
    if (chdir("/") == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        arrange_fds(out, job->lock_fd) == 0)
        execve(job->path, argv, env);
    dprintf(STDERR_FILENO, "cannot run '%s': %s\n", job->path, strerror(errno));
    _exit(127);
}

static int spawn_cleaner(struct run *run, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int in = -1;
    VFA_AUTO(vfa_closep) int out = -1;
    pid_t self = getpid();
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return vfa_fail(err, errno, "cannot make a pipe: %s", strerror(errno));
    in = fds[0];
    out = fds[1];
    run->pid = fork();
    if (run->pid < 0)
        return vfa_fail(err, errno, "cannot start a process: %s", strerror(errno));
    if (run->pid == 0)
        become_cleaner(run->job, self, out);
    (void)fcntl(in, F_SETFL, O_NONBLOCK);
    run->out = vfa_steal_fd(&in);
    return 0;
}

/* ---- output ---- */

static void end_line(struct run *run)
{
    run->line[run->len] = '\0';
    while (run->len > 0 && run->line[run->len - 1] == ' ')
        run->line[--run->len] = '\0';
    if (run->len > 0) {
        memcpy(run->last, run->line, sizeof(run->last));
        run->job->on_line(run->line);
    }
    run->len = 0;
}

static void take_output(struct run *run, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\n' || c == '\r')
            end_line(run);
        else if (run->len + 1 < sizeof(run->line))
            run->line[run->len++] = c == '\t' ? ' ' : c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
}

/* Reads until the pipe is empty or closed. */
static void read_output(struct run *run)
{
    char buf[4096];
    ssize_t n;

    while (run->out >= 0) {
        n = read(run->out, buf, sizeof(buf));
        if (n > 0)
            take_output(run, buf, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            return;
        else if (n == 0 || errno != EINTR) {
            close(run->out);
            run->out = -1;
        }
    }
}

/* ---- end of the cleaner ---- */

/* Kills the group while its leader is a zombie: the kernel cannot reuse the group's number yet. */
static void check_end(struct run *run)
{
    siginfo_t info = {0};

    if (run->ended || waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0)
        return;
    kill(-run->pid, SIGKILL);
    waitid(P_PID, (id_t)run->pid, &run->end, WEXITED);
    run->ended = true;
}

static void next_stage(struct run *run)
{
    static const int signals[] = {[ASKED_TO_END] = SIGTERM, [KILLED] = SIGKILL};

    run->stage++;
    if (run->stage < GIVEN_UP)
        kill(-run->pid, signals[run->stage]);
    run->due = vfa_clock_ms() + run->job->grace;
}

static void read_signals(struct run *run)
{
    struct signalfd_siginfo info;

    while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        run->stopped = true;
        if (run->stage == RUNNING)
            next_stage(run);
    }
    check_end(run);
}

static void wait_for_end(struct run *run)
{
    while (!run->ended && run->stage != GIVEN_UP) {
        struct pollfd fds[] = {{.fd = run->signals, .events = POLLIN},
                               {.fd = run->out, .events = POLLIN}};
        int64_t left = run->due - vfa_clock_ms();

        if (poll(fds, ARRAY_SIZE(fds), left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left) < 0)
            check_end(run); /* out of memory or interrupted: the loop polls again */
        if (fds[1].revents)
            read_output(run);
        read_signals(run);
        if (!run->ended && vfa_clock_ms() >= run->due) {
            run->timed_out = run->timed_out || run->stage == RUNNING;
            next_stage(run);
        }
    }
    read_output(run);
    end_line(run);
}

/* ---- result ---- */

static char *describe_end(const struct run *run)
{
    char what[96];
    char *text = NULL;

    if (run->stage == GIVEN_UP)
        snprintf(what, sizeof(what), "did not end within %u s and could not be killed",
                 run->job->timeout / 1000);
    else if (run->timed_out)
        snprintf(what, sizeof(what), "did not end within %u s", run->job->timeout / 1000);
    else if (run->end.si_code == CLD_EXITED)
        snprintf(what, sizeof(what), "ended with exit status %d", run->end.si_status);
    else
        snprintf(what, sizeof(what), "was killed by signal %d", run->end.si_status);
    if (asprintf(&text, "cleaner '%s' %s%s%s", run->job->name, what, *run->last ? ": " : "",
                 run->last) < 0)
        return NULL;
    return text;
}

static int judge_end(const struct run *run, char **ret_reason, struct vfa_error *err)
{
    if (run->stopped && run->stage != GIVEN_UP)
        return VFA_CLEAN_STOPPED;
    if (run->ended && !run->timed_out && run->end.si_code == CLD_EXITED && run->end.si_status == 0)
        return 0;
    *ret_reason = describe_end(run);
    return *ret_reason ? VFA_CLEAN_FAILED : vfa_fail_oom(err);
}

int vfa_clean_run(const struct vfa_clean_job *job, char **ret_reason, struct vfa_error *err)
{
    struct run run = {.job = job, .out = -1};
    sigset_t set;
    int r;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    run.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run.signals < 0)
        return vfa_fail(err, errno, "cannot watch for signals");
    run.due = vfa_clock_ms() + job->timeout;
    r = spawn_cleaner(&run, err);
    if (r == 0) {
        wait_for_end(&run);
        r = judge_end(&run, ret_reason, err);
    }
    if (run.out >= 0)
        close(run.out);
    close(run.signals);
    return r;
}
