/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See attribute-file.h. */

#include "attribute-file.h"

#include "base/common.h"
#include "base/error.h"
#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int fail_with_errno(int code, struct vfa_error *err)
{
    return vfa_fail(err, code, "%s", strerror(code));
}

static int fail_too_long(struct vfa_error *err)
{
    return vfa_fail(err, EOVERFLOW, "it is longer than %d bytes", VFA_ATTRIBUTE_VALUE_MAX);
}

/* O_NOFOLLOW makes ELOOP of a link, and with O_DIRECTORY ENOTDIR. */
static int fail_to_open_part(int dirfd, const char *part, struct vfa_error *err)
{
    int code = errno;
    struct stat st;

    if ((code == ELOOP || code == ENOTDIR) && fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        return vfa_fail(err, ELOOP, "'%s' is a symbolic link", part);
    return fail_with_errno(code, err);
}

static int open_part(int dirfd, const char *part, int flags, int *ret_fd, struct vfa_error *err)
{
    int fd = openat(dirfd, part, flags | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return fail_to_open_part(dirfd, part, err);
    *ret_fd = fd;
    return 0;
}

/* O_NONBLOCK: a FIFO must not stop this program. */
static int open_regular_file(int dirfd, const char *file, int flags, int *ret_fd,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = -1;
    struct stat st;
    int r = open_part(dirfd, file, flags | O_NONBLOCK | O_NOCTTY, &fd, err);

    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0)
        return fail_with_errno(errno, err);
    if (!S_ISREG(st.st_mode))
        return vfa_fail(err, ENOTSUP, "it is not a regular file");
    *ret_fd = vfa_steal_fd(&fd);
    return 0;
}

static int open_attribute(int device_fd, const char *name, int flags, int *ret_fd,
                          struct vfa_error *err)
{
    char copy[VFA_ATTRIBUTE_NAME_MAX + 1], *part = copy, *slash;
    VFA_AUTO(vfa_closep) int folder = -1;
    const char *refusal = vfa_attribute_refusal(name);
    int r = 0;

    if (refusal)
        return vfa_fail(err, EINVAL, "%s", refusal);
    strcpy(copy, name);
    while (r == 0 && (slash = strchr(part, '/'))) {
        int next = -1;

        *slash = '\0';
        r = open_part(folder < 0 ? device_fd : folder, part, O_PATH | O_DIRECTORY, &next, err);
        vfa_closep(&folder);
        folder = next;
        part = slash + 1;
    }
    return r == 0 ? open_regular_file(folder < 0 ? device_fd : folder, part, flags, ret_fd, err)
                  : r;
}

/* Reads up to the end of the file. One byte more than a value may have tells that it is too long. */
static int read_value_text(int fd, char *buf, size_t size, size_t *ret_len, struct vfa_error *err)
{
    size_t len = 0;
    ssize_t n;

    while (len < size && (n = read(fd, buf + len, size - len)) != 0) {
        if (n < 0 && errno != EINTR)
            return fail_with_errno(errno, err);
        len += n > 0 ? (size_t)n : 0;
    }
    *ret_len = len;
    return 0;
}

int vfa_attribute_read(int device_fd, const char *name, char ret[VFA_ATTRIBUTE_VALUE_MAX + 1],
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = -1;
    char buf[VFA_ATTRIBUTE_VALUE_MAX + 2]; /* with the newline */
    size_t len = 0;
    int r = open_attribute(device_fd, name, O_RDONLY, &fd, err);

    if (r == 0)
        r = read_value_text(fd, buf, sizeof(buf), &len, err);
    if (r < 0)
        return r;
    while (len > 0 && memchr(" \t\n", buf[len - 1], 3))
        len--;
    if (len > VFA_ATTRIBUTE_VALUE_MAX)
        return fail_too_long(err);
    if (memchr(buf, '\0', len))
        return vfa_fail(err, EILSEQ, "it is no text");
    memcpy(ret, buf, len);
    ret[len] = '\0';
    return 0;
}

int vfa_attribute_write(int device_fd, const char *name, const char *value, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = -1;
    char line[VFA_ATTRIBUTE_VALUE_MAX + 1];
    size_t len = strlen(value);
    ssize_t n;
    int r;

    if (len > VFA_ATTRIBUTE_VALUE_MAX)
        return fail_too_long(err);
    r = open_attribute(device_fd, name, O_WRONLY, &fd, err);
    if (r < 0)
        return r;
    memcpy(line, value, len);
    line[len] = '\n';
    do
        n = write(fd, line, len + 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_with_errno(errno, err);
    return (size_t)n == len + 1 ? 0 : vfa_fail(err, EIO, "only a part of the value was taken");
}

int vfa_attribute_set(int device_fd, const char *name, const char *value, struct vfa_error *err)
{
    char text[VFA_ATTRIBUTE_VALUE_MAX + 1], now[VFA_ATTRIBUTE_VALUE_MAX + 1];
    int r;

    if (strlen(value) > VFA_ATTRIBUTE_VALUE_MAX)
        return fail_too_long(err);
    vfa_attribute_to_write(value, text);
    r = vfa_attribute_write(device_fd, name, text, err);
    if (r == 0)
        r = vfa_attribute_read(device_fd, name, now, err);
    if (r == 0 && !vfa_attribute_same(now, value))
        return vfa_fail(err, EPROTO, "afterwards it is '%.60s'", now);
    return r;
}

bool vfa_attribute_is_busy(const struct vfa_error *err)
{
    static const int codes[] = {EAGAIN, EBUSY, EINTR, EIO, EPERM, ETIMEDOUT};

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (err->code == codes[i])
            return true;
    }
    return false;
}
