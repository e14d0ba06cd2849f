/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process of a cleaner: its arguments, environment and descriptors, and the reason of a
 * failure. No process of a cleaner remains. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "state/lock.h"
#include "check.h"
#include "helpers/cleaner/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/vfalias-test-XXXXXX";
static char script[64], state[64], beyond[64];
static char told[4096];

#define DEVICE "10000:3b:02.1"

static void tell(const char *line)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof(told) - len, "%s|", line);
}

static bool is_locked(void)
{
    bool locked = true;

    return vfa_lock_is_cleaning(state, DEVICE, &locked, NULL) < 0 || locked;
}

/* The kernel ends a killed process a little later; alarm() limits the wait. */
static void wait_until_unlocked(void)
{
    while (is_locked())
        ;
    CHECK(!is_locked(), "");
}

static int run(const char *text, unsigned timeout, char **ret_reason, struct vfa_error *err)
{
    struct vfa_clean_job job = {.path = script,
                                .name = "wipe",
                                .kind = "pci",
                                .device = DEVICE,
                                .uuid = "U",
                                .timeout = timeout,
                                .grace = 1000,
                                .on_line = tell};
    VFA_AUTO(vfa_closep) int fd = open(script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    int r;

    CHECK(fd >= 0 && dprintf(fd, "#!/bin/sh\n%s\n", text) > 0, "");
    close(vfa_steal_fd(&fd));
    *told = '\0';
    wait_until_unlocked();
    CHECK(vfa_lock_cleaning(state, DEVICE, &job.lock_fd, err) == 0, "%s", vfa_error_text(err));
    r = vfa_clean_run(&job, ret_reason, err);
    close(job.lock_fd);
    return r;
}

static const struct {
    const char *script;
    int r;
    const char *reason; /* the whole text */
    const char *told;
} ends[] = {
    {"exit 0", 0, NULL, ""},
    {"echo one; echo two >&2; exit 0", 0, NULL, "one|two|"},
    {"exit 3", VFA_CLEAN_FAILED, "cleaner 'wipe' ended with exit status 3", ""},
    {"echo one; echo; printf 'no such\\tdrive  '; exit 1", VFA_CLEAN_FAILED,
     "cleaner 'wipe' ended with exit status 1: no such drive", "one|no such drive|"},
    {"printf '\\033[1m\\303\\244\\n'; exit 1", VFA_CLEAN_FAILED,
     "cleaner 'wipe' ended with exit status 1: ?[1m??", "?[1m??|"},
    {"echo oops; kill -9 $$", VFA_CLEAN_FAILED, "cleaner 'wipe' was killed by signal 9: oops",
     "oops|"},
    {"echo \"$# $1 $2 $3\"", 0, NULL, "3 pci 10000:3b:02.1 U|"},
    {"pwd; umask; env | cut -d= -f1 | grep -v -e PWD -e _ | sort", 0, NULL, "/|0022|PATH|"},
    {"read line || echo nothing to read", 0, NULL, "nothing to read|"},
    {"trap 'echo deaf' PIPE TERM; kill -PIPE $$; kill -TERM $$; exit 0", 0, NULL, "deaf|deaf|"},
    {"[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo a session of its own", 0, NULL,
     "a session of its own|"},
};

static void test_ends(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *reason = NULL;
        int r = run(ends[i].script, 20000, &reason, &err);

        CHECK(r == ends[i].r, "%s: %d %s", ends[i].script, r, reason ? reason : "");
        CHECK(strcmp(told, ends[i].told) == 0, "%s: '%s'", ends[i].script, told);
        CHECK(!reason == !ends[i].reason && (!reason || strcmp(reason, ends[i].reason) == 0),
              "%s: '%s'", ends[i].script, reason ? reason : "");
        wait_until_unlocked();
    }
}

/* The cleaner's OOM score is reset, whatever the parent's score is. */
static void test_oom_score(void)
{
    VFA_AUTO(vfa_closep) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    VFA_AUTO(vfa_freep) char *reason = NULL;

    CHECK(fd >= 0 && write(fd, "300", 3) == 3, "");
    CHECK(run("cat /proc/self/oom_score_adj", 20000, &reason, NULL) == 0, "%s",
          reason ? reason : "");
    CHECK(strcmp(told, "0|") == 0, "'%s'", told);
    CHECK(write(fd, "0", 1) == 1, "");
    wait_until_unlocked();
}

/* The cleaner inherits the lock only, also if other descriptors are open without close-on-exec. */
static void test_descriptors(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *reason = NULL;
    VFA_AUTO(vfa_closep) int left = open("/dev/zero", O_RDONLY);

    CHECK(run("for fd in /proc/$$/fd/*; do readlink $fd || :; done", 20000, &reason, &err) == 0,
          "");
    CHECK(left >= 0 && strstr(told, "/dev/null|pipe:") && !strstr(told, "/dev/zero"), "%s", told);
    CHECK(strstr(told, "/state.clean|"), "%s", told);
}

static void test_time_limit(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *reason = NULL;

    CHECK(run("echo begun; exec sleep 60", 100, &reason, &err) == VFA_CLEAN_FAILED, "");
    CHECK(reason && strcmp(reason, "cleaner 'wipe' did not end within 0 s: begun") == 0, "%s",
          reason);
    free(vfa_steal(&reason));
    CHECK(run("trap '' TERM; echo deaf; sleep 60; sleep 60", 100, &reason, &err) ==
              VFA_CLEAN_FAILED,
          "");
    CHECK(reason && strstr(reason, "did not end within 0 s: deaf"), "%s", reason);
    free(vfa_steal(&reason));
    CHECK(run("trap 'exit 0' TERM; sleep 60 & wait", 100, &reason, &err) == VFA_CLEAN_FAILED,
          "late is late");
    wait_until_unlocked();
}

/* The cleaner ends, and a process that it has started does not. */
static void test_left_behind(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *reason = NULL;

    CHECK(run("sleep 60 & exit 0", 20000, &reason, &err) == 0, "");
    wait_until_unlocked();
    snprintf(beyond, sizeof(beyond), "%s/beyond", folder);
    CHECK(run("setsid sh -c 'echo $$ >${0%/*}/beyond; exec sleep 60' $0 & "
              "until [ -s ${0%/*}/beyond ]; do :; done; exit 0",
              20000, &reason, &err) == 0,
          "%s", reason);
    CHECK(is_locked(), "one that left the group keeps the device");
}

static void end_beyond(void)
{
    VFA_AUTO(vfa_fclosep) FILE *file = fopen(beyond, "r");
    int pid = 0;

    CHECK(file && fscanf(file, "%d", &pid) == 1 && pid > 1 && kill(pid, SIGKILL) == 0, "%d", pid);
    wait_until_unlocked();
}

static void test_stopped(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *reason = NULL;

    CHECK(run("kill -TERM $PPID; exec sleep 60", 20000, &reason, &err) == VFA_CLEAN_STOPPED, "");
    CHECK(!reason, "");
    wait_until_unlocked();
}

/* The program that runs the cleaner is killed: the kernel kills the cleaner, and the device stays
 * locked until the cleaner has ended. */
static void test_killed(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *reason = NULL;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        run("kill -KILL $PPID; exec sleep 60", 20000, &reason, &err);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "%d", status);
    wait_until_unlocked();
}

int main(void)
{
    if (!mkdtemp(folder)) {
        perror(folder);
        return EXIT_FAILURE;
    }
    snprintf(script, sizeof(script), "%s/wipe", folder);
    snprintf(state, sizeof(state), "%s/state", folder);
    alarm(60);
    test_ends();
    test_oom_score();
    test_descriptors();
    test_time_limit();
    test_left_behind();
    end_beyond();
    test_stopped();
    test_killed();
    unlink(beyond);
    unlink(script);
    strcat(state, ".clean");
    unlink(state);
    rmdir(folder);
    return check_result();
}
