/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See maker.h. A link in /sys/bus/BUS/devices or /sys/class/CLASS has the place of the device below
 * /sys/devices as its target; each folder on the way is a device. */

#include "maker.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

bool vfa_maker_name_ok(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++) {
        if (name[i] <= ' ' || name[i] >= 0x7f || strchr("\"'\\/", name[i]))
            return false;
    }
    return n > 0 && n < VFA_MAKER_NAME_SIZE && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int vfa_maker_refuse(int result, struct vfa_error *err, int code, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)vfa_fail(err, code, "%s", text);
    return result;
}

int vfa_maker_write(int dirfd, const char *path, const char *text)
{
    VFA_AUTO(vfa_closep) int fd = openat(dirfd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? VFA_SYSFS_GONE : -errno;
    return write(fd, text, strlen(text)) < 0 ? -errno : 0; /* the kernel takes all bytes or none */
}

int vfa_maker_function(const struct vfa_sysfs *sysfs, const char *link, struct vfa_pci_addr *ret)
{
    char target[PATH_MAX], *name;
    ssize_t n = readlinkat(sysfs->rootfd, link, target, sizeof(target) - 1);

    if (n < 0)
        return errno == ENOENT || errno == EINVAL || errno == ENOTDIR ? VFA_SYSFS_GONE : -errno;
    target[n] = '\0';
    while ((name = strrchr(target, '/'))) {
        if (vfa_parse_pci_addr(name + 1, ret) == 0)
            return 0;
        *name = '\0';
    }
    return VFA_SYSFS_GONE;
}
