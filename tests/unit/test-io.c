/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes all data of a descriptor: pieces, signals, the limit, and closed pipes. Links
 * only the C library and base/io.h, as the hook prefilters do.
 */

#include "base/common.h"
#include "base/io.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define BIG (300u << 10) /* more than a pipe holds, and more than the first allocation */

static char big[BIG];
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    signals++;
}

/* Sends a SIGALRM at each interval, which interrupts system calls; 0: stops this. */
static void set_signals(suseconds_t every_us)
{
    const struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART */
    const struct itimerval timer = {{0, every_us}, {0, every_us}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};

    nanosleep(&pause, NULL);
}

static int ended_well(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Starts a process that writes `len` bytes of `big` in pieces, with pauses. *ret: the read end. */
static pid_t start_writer(size_t len, size_t piece, int *ret)
{
    int ends[2];
    pid_t pid;

    if (pipe(ends) < 0)
        abort();
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        for (size_t done = 0; done < len; done += piece) {
            size_t n = len - done < piece ? len - done : piece;

            if (write(ends[1], big + done, n) != (ssize_t)n)
                _exit(1);
            sleep_ms(5);
        }
        _exit(0);
    }
    close(ends[1]);
    *ret = ends[0];
    return pid;
}

/* Starts a process that reads `len` bytes and compares them. *ret: the write end. */
static pid_t start_reader(size_t len, int *ret)
{
    static char got[BIG];
    size_t done = 0;
    int ends[2];
    pid_t pid;

    if (pipe(ends) < 0)
        abort();
    pid = fork();
    if (pid == 0) {
        close(ends[1]);
        for (ssize_t n = 1; n > 0 && done < len; done += (size_t)n) {
            sleep_ms(2);
            n = read(ends[0], got + done, len - done < 16384 ? len - done : 16384);
        }
        _exit(done == len && memcmp(got, big, len) == 0 ? 0 : 1);
    }
    close(ends[0]);
    *ret = ends[1];
    return pid;
}

static const struct {
    size_t len, piece;
} written[] = {{0, 1}, {1, 1}, {7, 3}, {65536, 65536}, {65537, 30000}, {BIG, 40000}};

static void test_pieces(bool with_signals)
{
    for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
        VFA_AUTO(vfa_io_data_clear) struct vfa_io_data data = {NULL, 0};
        VFA_AUTO(vfa_closep) int fd = -1;
        pid_t pid = start_writer(written[i].len, written[i].piece, &fd);
        int r;

        if (with_signals)
            set_signals(1000);
        r = vfa_io_read_all(fd, 2 * BIG, &data);
        set_signals(0);
        CHECK(r == 0 && data.len == written[i].len, "%d, %zu bytes", r, data.len);
        CHECK(data.len == 0 || memcmp(data.data, big, data.len) == 0, "%zu bytes", data.len);
        CHECK(ended_well(pid), "the writer of %zu bytes", written[i].len);
    }
    CHECK((signals > 0) == with_signals, "%d signals", (int)signals);
    signals = 0;
}

static void test_write(bool with_signals)
{
    int fd, r;
    pid_t pid = start_reader(BIG, &fd);

    if (with_signals)
        set_signals(1000);
    r = vfa_io_write_all(fd, big, BIG);
    set_signals(0);
    CHECK(r == 0, "%d", r);
    CHECK(ended_well(pid), "what the reader got");
    CHECK((signals > 0) == with_signals, "%d signals", (int)signals);
    signals = 0;
    close(fd);
}

static int file_of(size_t len)
{
    int fd = memfd_create("test-io", MFD_CLOEXEC);

    if (fd < 0 || vfa_io_write_all(fd, big, len) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

/* The limit is the first length that is refused. It also limits the memory used. */
static void test_limit(void)
{
    static const struct {
        size_t len, max;
        int r;
    } cases[] = {
        {0, 1, 0},          {1, 1, -EFBIG},    {99, 100, 0},         {100, 100, -EFBIG},
        {101, 100, -EFBIG}, {70000, 70001, 0}, {BIG, 70000, -EFBIG}, {65536, 65536, -EFBIG},
        {0, 0, -EFBIG}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_io_data_clear) struct vfa_io_data data = {NULL, 0};
        VFA_AUTO(vfa_closep) int fd = file_of(cases[i].len);
        size_t most = cases[i].len < cases[i].max ? cases[i].len : cases[i].max;
        int r = vfa_io_read_all(fd, cases[i].max, &data);

        CHECK(r == cases[i].r, "%zu bytes of %zu: %d", cases[i].len, cases[i].max, r);
        CHECK(data.len == most, "%zu bytes of %zu: %zu", cases[i].len, cases[i].max, data.len);
    }
}

static void test_append(void)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data data = {NULL, 0};
    VFA_AUTO(vfa_closep) int fd = file_of(5);

    CHECK(vfa_io_read_all(fd, BIG, &data) == 0 && data.len == 5, "%zu bytes", data.len);
    CHECK(lseek(fd, 2, SEEK_SET) == 2, "%s", strerror(errno));
    CHECK(vfa_io_read_all(fd, BIG, &data) == 0 && data.len == 8, "%zu bytes", data.len);
    CHECK(memcmp(data.data, big, 5) == 0 && memcmp(data.data + 5, big + 2, 3) == 0, "its bytes");
    vfa_io_data_clear(&data);
    CHECK(!data.data && data.len == 0, "%zu bytes", data.len);
}

/* The data read before an error is kept: the hook searches it for requests. */
static void test_failed_read(void)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data data = {NULL, 0};
    VFA_AUTO(vfa_closep) int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ends[2], r;

    CHECK(pipe2(ends, O_NONBLOCK) == 0 && write(ends[1], "abc", 3) == 3, "%s", strerror(errno));
    r = vfa_io_read_all(ends[0], BIG, &data);
    CHECK(r == -EAGAIN && data.len == 3 && memcmp(data.data, "abc", 3) == 0, "%d, %zu", r,
          data.len);
    close(ends[0]);
    close(ends[1]);
    vfa_io_data_clear(&data);
    r = vfa_io_read_all(-1, BIG, &data);
    CHECK(r == -EBADF && data.len == 0, "%d, %zu bytes", r, data.len);
    r = vfa_io_read_all(folder, BIG, &data);
    CHECK(r == -EISDIR && data.len == 0, "%d, %zu bytes", r, data.len);
}

static void test_failed_write(void)
{
    VFA_AUTO(vfa_closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int ends[2], fd, r;
    pid_t pid;

    CHECK(pipe(ends) == 0, "%s", strerror(errno));
    close(ends[0]);
    r = vfa_io_write_all(ends[1], "abc", 3);
    CHECK(r == -EPIPE, "nobody reads: %d", r);
    CHECK(vfa_io_write_all(ends[1], "", 0) == 0, "nothing to write");
    close(ends[1]);
    pid = start_reader(20000, &fd); /* ends before it has read all data */
    r = vfa_io_write_all(fd, big, BIG);
    CHECK(r == -EPIPE, "nobody reads any more: %d", r);
    CHECK(ended_well(pid), "what the reader got");
    close(fd);
    r = vfa_io_write_all(-1, "abc", 3);
    CHECK(r == -EBADF, "%d", r);
    r = vfa_io_write_all(full, "abc", 3);
    CHECK(full < 0 || r == -ENOSPC, "%d", r);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * 31 + i / 251);
    test_pieces(false);
    test_pieces(true);
    test_write(false);
    test_write(true);
    test_limit();
    test_append();
    test_failed_read();
    test_failed_write();
    return check_result();
}
