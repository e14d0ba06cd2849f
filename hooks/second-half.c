/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See second-half.h. Part of the first half: must not need more than the C library. */
#include "second-half.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

bool vfa_input_has(const struct vfa_input *in, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (in->len && memmem(in->data, in->len, words[i], strlen(words[i])))
            return true;
    }
    return false;
}

int vfa_second_half_feed(const struct vfa_input *in)
{
    int fd = memfd_create("stdin", 0);
    size_t done = 0;

    if (fd < 0)
        return -errno;
    while (done < in->len) {
        ssize_t n = write(fd, in->data + done, in->len - done);

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
        return -errno;
    if (fd != STDIN_FILENO)
        close(fd);
    return 0;
}

int vfa_second_half_become(const char *path, char **argv)
{
    execv(path, argv);
    return -errno;
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

int vfa_second_half_run(const char *path, char **argv)
{
    pid_t pid;
    int r = posix_spawn(&pid, path, NULL, NULL, argv, environ);

    return r != 0 ? -r : wait_for(pid);
}

int vfa_second_half_ask(const char *path, char **argv, int *ret_fd)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int r;

    *ret_fd = memfd_create("stdout", MFD_CLOEXEC);
    if (*ret_fd < 0)
        return -errno;
    r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&actions, *ret_fd, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn(&pid, path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r != 0 ? -r : wait_for(pid);
}

int vfa_second_half_answer(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END), at = 0;

    while (at < len) {
        char buf[16384];
        ssize_t n = pread(fd, buf, sizeof(buf), at);
        ssize_t done = 0;

        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        while (done < n) {
            ssize_t w = write(STDOUT_FILENO, buf + done, (size_t)(n - done));

            if (w < 0 && errno != EINTR)
                return -errno;
            done += w > 0 ? w : 0;
        }
        at += n;
    }
    return 0;
}
