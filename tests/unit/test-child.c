/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls in a child: results, errors and bytes; the time limit; what the child does not inherit. The
 * program is linked with --wrap=kill: children that are left behind then stay, as in state D. */

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "device/child.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define LIMIT 10000
#define BYTES ((size_t)2 << 20)

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);

static pid_t spared[64];
static size_t n_spared;
static bool spare;

int __wrap_kill(pid_t pid, int signal)
{
    if (!spare || n_spared == ARRAY_SIZE(spared))
        return __real_kill(pid, signal);
    spared[n_spared++] = pid;
    return 0;
}

static int run_limited(int (*run)(void *, struct vfa_io_data *, struct vfa_error *), void *arg,
                       unsigned limit_ms, struct vfa_io_data *ret, struct vfa_error *err)
{
    return vfa_child_run(
        &(struct vfa_child){
            .run = run, .arg = arg, .what = "do it", .limit_ms = limit_ms, .keep = {-1, -1}},
        ret, err);
}

/* ---- results ---- */

static int answer(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    return *(int *)arg;
}

static int fail_twice(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    (void)vfa_fail(err, ENOSPC, "this is replaced");
    return vfa_fail(err, ENOSPC, "no room on '%s'", (const char *)arg);
}

static int refuse_it(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    (void)vfa_fail(err, EBUSY, "not now");
    return 3;
}

static int send_bytes(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    for (size_t i = 0; i < BYTES; i += sizeof(i)) {
        if (vfa_child_append(ret, &i, sizeof(i)) < 0)
            return vfa_fail_oom(err);
    }
    return 0;
}

static void test_results(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int values[] = {0, 5, -7};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        CHECK(run_limited(answer, &values[i], LIMIT, NULL, &err) == values[i] && err.code == 0,
              "%d", values[i]);
    CHECK(run_limited(fail_twice, (void *)(uintptr_t) "disk", LIMIT, NULL, &err) == -ENOSPC &&
              strcmp(vfa_error_text(&err), "no room on 'disk'") == 0,
          "%s", vfa_error_text(&err));
    CHECK(run_limited(refuse_it, NULL, LIMIT, NULL, &err) == 3 && err.code == EBUSY, "%d",
          err.code);
    CHECK(run_limited(refuse_it, NULL, LIMIT, NULL, NULL) == 3, "without an error");
}

static void test_bytes(void)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data data = {NULL, 0};
    size_t last = 0;

    CHECK(run_limited(send_bytes, NULL, LIMIT, &data, NULL) == 0 && data.len == BYTES, "%zu",
          data.len);
    if (data.len == BYTES)
        memcpy(&last, data.data + BYTES - sizeof(last), sizeof(last));
    CHECK(last == BYTES - sizeof(last), "%zu", last);
    CHECK(run_limited(send_bytes, NULL, LIMIT, NULL, NULL) == 0, "nobody wants them");
}

/* ---- what goes wrong ---- */

static int die(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    _exit(0);
}

static int hang(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    while (arg == NULL)
        pause();
    return 0;
}

static void test_failures(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(run_limited(die, NULL, LIMIT, NULL, &err) == -EIO &&
              check_has(&err, "cannot do it: the child process ended early"),
          "%s", vfa_error_text(&err));
    CHECK(run_limited(hang, NULL, 50, NULL, &err) == -ETIMEDOUT &&
              check_has(&err, "cannot do it: the kernel did not answer within 50 ms"),
          "%s", vfa_error_text(&err));
}

/* Collects the status of all children, which the list of left.pids would do at the next run. */
static bool are_no_children(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* 16 can be left behind; their status is collected when they have ended. */
static void test_left_behind(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int value = 0;
    siginfo_t info;

    spare = true;
    for (unsigned i = 0; i < 16; i++)
        CHECK(run_limited(hang, NULL, 1, NULL, NULL) == -ETIMEDOUT, "%u", i);
    CHECK(n_spared == 16, "%zu", n_spared);
    CHECK(run_limited(answer, &value, LIMIT, NULL, &err) == -ETIMEDOUT &&
              check_has(&err, "16 earlier calls still wait"),
          "%s", vfa_error_text(&err));
    spare = false;
    for (size_t i = 0; i < n_spared; i++) {
        __real_kill(spared[i], SIGKILL);
        CHECK(waitid(P_PID, (id_t)spared[i], &info, WEXITED | WNOWAIT) == 0, "ended");
    }
    CHECK(run_limited(answer, &value, LIMIT, NULL, &err) == 0, "there is room again");
    CHECK(are_no_children(), "one is left");
}

/* ---- what the child inherits ---- */

static int count_open(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int is_null(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    char path[64] = "";

    return readlink("/proc/self/fd/1", path, sizeof(path) - 1) > 0 &&
           strcmp(path, "/dev/null") == 0;
}

static int is_open(void *arg, struct vfa_io_data *ret, struct vfa_error *err)
{
    return fcntl(*(int *)arg, F_GETFD) >= 0;
}

static void test_descriptors(void)
{
    int fds[2], kept[2];

    if (pipe(fds) < 0 || pipe(kept) < 0)
        return;
    CHECK(run_limited(is_open, &fds[1], LIMIT, NULL, NULL) == 0, "inherited");
    CHECK(run_limited(is_null, NULL, LIMIT, NULL, NULL) == 1, "stdout");
    for (int i = 0; i < 2; i++) {
        struct vfa_child child = {.run = is_open,
                                  .arg = &kept[i],
                                  .what = "keep",
                                  .limit_ms = LIMIT,
                                  .keep = {kept[1], kept[0]}};

        CHECK(vfa_child_run(&child, NULL, NULL) == 1, "kept");
        child.run = count_open;
        CHECK(vfa_child_run(&child, NULL, NULL) <= 6, "0, 1, 2, two that are kept, the pipe");
    }
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(kept[i]);
    }
}

/* A hook's output ends although a child of the hook is left behind. */
static void test_output_ends(void)
{
    struct pollfd end;
    int fds[2];

    if (pipe(fds) < 0)
        return;
    spare = true;
    n_spared = 0;
    CHECK(run_limited(hang, NULL, 50, NULL, NULL) == -ETIMEDOUT && n_spared == 1, "left behind");
    close(fds[1]);
    end = (struct pollfd){.fd = fds[0], .events = POLLIN};
    CHECK(poll(&end, 1, LIMIT) == 1 && (end.revents & POLLHUP), "end of file");
    spare = false;
    __real_kill(spared[0], SIGKILL);
    close(fds[0]);
}

int main(void)
{
    test_results();
    test_bytes();
    test_failures();
    test_left_behind();
    test_descriptors();
    test_output_ends();
    return check_result();
}
