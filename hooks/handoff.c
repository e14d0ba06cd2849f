/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See handoff.h. A part of the prefilters: links only the C library. */

#include "handoff.h"

#include "base/common.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

bool vfa_handoff_has_marker(const struct vfa_io_data *in, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (in->len && memmem(in->data, in->len, words[i], strlen(words[i])))
            return true;
    }
    return false;
}

int vfa_handoff_rewind_stdin(const struct vfa_io_data *in)
{
    int fd = memfd_create("stdin", 0);
    int r;

    if (fd < 0)
        return -errno;
    signal(SIGXFSZ, SIG_IGN);
    r = vfa_io_write_all(fd, in->data, in->len);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
        return -errno;
    if (fd != STDIN_FILENO)
        close(fd);
    return 0;
}

int vfa_handoff_exec(const char *path, char **argv)
{
    execv(path, argv);
    return -errno;
}

static int wait_for_child(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

int vfa_handoff_run(const char *path, char **argv)
{
    pid_t pid;
    int r = posix_spawn(&pid, path, NULL, NULL, argv, environ);

    return r != 0 ? -r : wait_for_child(pid);
}

int vfa_handoff_capture(const char *path, char **argv, int *ret_fd)
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
    return r != 0 ? -r : wait_for_child(pid);
}

int vfa_handoff_reply(int fd)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data reply = {NULL, 0};
    int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : vfa_io_read_all(fd, VFA_IO_XML_MAX, &reply);

    return r < 0 ? r : vfa_io_write_all(STDOUT_FILENO, reply.data, reply.len);
}
