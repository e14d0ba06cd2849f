/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See child.h. The child writes one reply into a pipe: a header, the text of the error, the bytes.
 * The parent reads until the reply is complete, not until end of file: other children of the parent
 * may have inherited the pipe's write end for a moment.
 *
 * Invariant: left.pids are children that no one else waits for. So a process id in that list is not
 * used again before this file has collected its status.
 */

#include "child.h"

#include "base/clock.h"
#include "base/common.h"
#include "base/error.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define LEFT_MAX   16
#define FIRST_ROOM 4096

struct header {
    int result;
    int code;
    size_t text_len;
    size_t data_len;
};

/* The allocated size for `len` bytes: a power of two, so that it follows from the length. */
static size_t room_for(size_t len)
{
    size_t room = FIRST_ROOM;

    while (room < len)
        room *= 2;
    return room;
}

int vfa_child_append(struct vfa_io_data *data, const void *bytes, size_t n)
{
    size_t room = room_for(data->len + n);

    if (!data->data || room != room_for(data->len)) {
        char *more = realloc(data->data, room);

        if (!more)
            return -ENOMEM;
        data->data = more;
    }
    memcpy(data->data + data->len, bytes, n);
    data->len += n;
    return 0;
}

/* ---- children that are left behind ---- */

static struct {
    pthread_mutex_t lock;
    pid_t pids[LEFT_MAX];
} left = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Waits for the children that have ended, without blocking. Returns a free place of the table, or
 * NULL. */
static pid_t *collect_left(void)
{
    pid_t *place = NULL;

    for (size_t i = 0; i < LEFT_MAX; i++) {
        if (left.pids[i] && waitpid(left.pids[i], NULL, WNOHANG) != 0)
            left.pids[i] = 0;
        if (!left.pids[i])
            place = &left.pids[i];
    }
    return place;
}

static bool is_room_left(void)
{
    bool room;

    pthread_mutex_lock(&left.lock);
    room = collect_left() != NULL;
    pthread_mutex_unlock(&left.lock);
    return room;
}

/* Without room the status is never collected: only as many threads as raced for the last place. */
static void leave_behind(pid_t pid)
{
    pid_t *place;

    kill(pid, SIGKILL);
    pthread_mutex_lock(&left.lock);
    place = collect_left();
    if (place)
        *place = pid;
    pthread_mutex_unlock(&left.lock);
}

/* ---- in the child ---- */

static bool is_kept(const struct vfa_child *child, int out, int fd)
{
    bool kept = fd == out;

    for (size_t i = 0; i < VFA_CHILD_FDS; i++)
        kept = kept || fd == child->keep[i];
    return kept;
}

/* Returns the lowest kept descriptor >= from, or INT_MAX. */
static int next_kept(const struct vfa_child *child, int out, int from)
{
    int lowest = out >= from ? out : INT_MAX;

    for (size_t i = 0; i < VFA_CHILD_FDS; i++) {
        if (child->keep[i] >= from && child->keep[i] < lowest)
            lowest = child->keep[i];
    }
    return lowest;
}

static void close_inherited(const struct vfa_child *child, int out)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), from = STDERR_FILENO + 1;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (null >= 0 && !is_kept(child, out, fd))
            (void)dup2(null, fd);
    }
    for (;;) {
        int kept = next_kept(child, out, from);

        if (kept > from)
            (void)close_range((unsigned)from, (unsigned)kept - 1, 0);
        if (kept == INT_MAX)
            return;
        from = kept + 1;
    }
}

static _Noreturn void be_child(const struct vfa_child *child, int out)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_io_data data = {NULL, 0};
    struct header header = {.result = 0};
    const char *text;

    close_inherited(child, out);
    header.result = child->run(child->arg, &data, &err);
    text = err.code ? vfa_error_text(&err) : "";
    header.code = err.code;
    header.text_len = strlen(text);
    header.data_len = data.len;
    (void)(vfa_io_write_all(out, (const char *)&header, sizeof(header)) < 0 ||
           vfa_io_write_all(out, text, header.text_len) < 0 ||
           vfa_io_write_all(out, data.data, data.len) < 0);
    vfa_io_data_clear(&data);
    vfa_error_clear(&err);
    _exit(0);
}

/* ---- in the parent ---- */

/* Returns 0, -ETIMEDOUT, -EPIPE (the child has ended too early) or a negative errno. */
static int wait_for_reply(int fd, int64_t deadline)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};

    for (;;) {
        int64_t rest = deadline - vfa_clock_ms();
        int r = poll(&wanted, 1, rest > 0 ? (int)rest : 0);

        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int read_pipe(int fd, void *buf, size_t len, int64_t deadline)
{
    for (size_t have = 0; have < len;) {
        int r = wait_for_reply(fd, deadline);
        ssize_t n = r < 0 ? 0 : read(fd, (char *)buf + have, len - have);

        if (r < 0)
            return r;
        if (n == 0)
            return -EPIPE;
        if (n < 0 && errno != EINTR)
            return -errno;
        have += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Reads text_len bytes of text and data_len bytes of data, into one block. */
static int read_reply_rest(int fd, const struct header *header, int64_t deadline, char **ret)
{
    VFA_AUTO(vfa_freep) char *block = malloc(header->text_len + header->data_len + 1);
    int r = block ? read_pipe(fd, block, header->text_len + header->data_len, deadline) : -ENOMEM;

    if (r == 0)
        *ret = vfa_steal(&block);
    return r;
}

static int take_reply(const struct header *header, char *block, struct vfa_io_data *ret,
                      struct vfa_error *err)
{
    if (header->code)
        (void)vfa_fail(err, header->code, "%.*s", (int)header->text_len, block);
    if (ret) {
        memmove(block, block + header->text_len, header->data_len);
        *ret = (struct vfa_io_data){.data = block, .len = header->data_len};
    } else {
        free(block);
    }
    return header->result;
}

static int fail_reply(const struct vfa_child *child, int r, struct vfa_error *err)
{
    if (r == -ETIMEDOUT)
        return vfa_fail(err, ETIMEDOUT, "cannot %s: the kernel did not answer within %u ms",
                        child->what, child->limit_ms);
    if (r == -ENOMEM)
        return vfa_fail_oom(err);
    return vfa_fail(err, EIO, "cannot %s: the child process ended early: %s", child->what,
                    strerror(-r));
}

static int hear_child(const struct vfa_child *child, pid_t pid, int in, struct vfa_io_data *ret,
                      struct vfa_error *err)
{
    int64_t deadline = vfa_clock_ms() + child->limit_ms;
    struct header header;
    char *block = NULL;
    int r = read_pipe(in, &header, sizeof(header), deadline);

    if (r == 0)
        r = read_reply_rest(in, &header, deadline, &block);
    if (r < 0) {
        leave_behind(pid);
        return fail_reply(child, r, err);
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return take_reply(&header, block, ret, err);
}

int vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int in = -1;
    VFA_AUTO(vfa_closep) int out = -1;
    int fds[2];
    pid_t pid;

    if (!is_room_left())
        return vfa_fail(err, ETIMEDOUT, "cannot %s: 16 earlier calls still wait in the kernel",
                        child->what);
    if (pipe2(fds, O_CLOEXEC) < 0)
        return vfa_fail(err, errno, "cannot make a pipe: %s", strerror(errno));
    in = fds[0];
    out = fds[1];
    pid = fork();
    if (pid < 0)
        return vfa_fail(err, errno, "cannot start a process: %s", strerror(errno));
    if (pid == 0)
        be_child(child, out);
    close(vfa_steal_fd(&out));
    return hear_child(child, pid, in, ret, err);
}
