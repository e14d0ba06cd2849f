/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See sysfs.h. The fd of the root is the only state. Every open has O_CLOEXEC. */

#include "sysfs.h"

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

int vfa_sysfs_open(const char *root, struct vfa_sysfs *ret, struct vfa_error *err)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return vfa_fail(err, errno, "cannot open '%s': %s", root, strerror(errno));
    ret->rootfd = fd;
    return 0;
}

void vfa_sysfs_close(struct vfa_sysfs *sysfs)
{
    vfa_closep(&sysfs->rootfd);
    sysfs->rootfd = -1;
}

bool vfa_sysfs_is_host(const struct vfa_sysfs *sysfs)
{
    struct statfs fs;

    return fstatfs(sysfs->rootfd, &fs) == 0 && fs.f_type == SYSFS_MAGIC;
}

static int gone_or(int error)
{
    return error == ENOENT || error == ENODEV || error == ENOTDIR ? VFA_SYSFS_GONE : -error;
}

int vfa_sysfs_opendir(int dirfd, const char *path)
{
    return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int vfa_sysfs_read(int dirfd, const char *name, char *buf, size_t size)
{
    VFA_AUTO(vfa_closep) int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
    size_t have = 0;
    char *end;

    if (fd < 0)
        return gone_or(errno);
    while (have < size) {
        ssize_t n = read(fd, buf + have, size - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return gone_or(errno);
        if (n == 0)
            break;
        have += (size_t)n;
    }
    end = memchr(buf, '\n', have);
    if (!end && have == size)
        return -EOVERFLOW;
    *(end ? end : buf + have) = '\0';
    return 0;
}

int vfa_sysfs_read_hex(int dirfd, const char *name, uint32_t *ret)
{
    char buf[32];
    int r = vfa_sysfs_read(dirfd, name, buf, sizeof(buf));

    return r ? r : vfa_parse_hex(buf, UINT32_MAX, ret);
}

int vfa_sysfs_read_int(int dirfd, const char *name, int *ret)
{
    char buf[32];
    uint32_t value;
    int r = vfa_sysfs_read(dirfd, name, buf, sizeof(buf));

    if (r)
        return r;
    if (strcmp(buf, "-1") == 0) { /* "unknown" of numa_node, the only negative value */
        *ret = -1;
        return 0;
    }
    r = vfa_parse_u32(buf, INT_MAX, &value);
    if (r == 0)
        *ret = (int)value;
    return r;
}

int vfa_sysfs_write_u32(int dirfd, const char *name, uint32_t value)
{
    VFA_AUTO(vfa_closep) int fd = openat(dirfd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
    char buf[16];
    int len = snprintf(buf, sizeof(buf), "%u\n", (unsigned)value);
    ssize_t n;

    if (fd < 0)
        return gone_or(errno);
    do {
        n = write(fd, buf, (size_t)len); /* the kernel takes all bytes or none */
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int vfa_sysfs_link(int dirfd, const char *name, char *buf, size_t size)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
    const char *base;

    if (n < 0)
        return errno == EINVAL ? VFA_SYSFS_GONE : gone_or(errno);
    target[n] = '\0';
    base = strrchr(target, '/');
    base = base ? base + 1 : target;
    if (strlen(base) >= size)
        return -EOVERFLOW;
    strcpy(buf, base);
    return 0;
}

int vfa_sysfs_first_entry(int dirfd, const char *name, char *buf, size_t size)
{
    int fd = vfa_sysfs_opendir(dirfd, name);
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    if (fd < 0)
        return gone_or(errno);
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -ENOMEM;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= size)
            continue;
        if (!found || strcmp(entry->d_name, buf) < 0)
            strcpy(buf, entry->d_name);
        found = true;
    }
    closedir(dir);
    return found ? 0 : VFA_SYSFS_GONE;
}
