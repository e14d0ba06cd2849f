/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See cleaner.h. */

#include "cleaner.h"

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Opens the file or folder itself, with O_PATH: nothing is read from it. */
static int open_path(int dir, const char *name, const char *path, int *ret, struct vfa_error *err)
{
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return vfa_fail(err, errno, "cannot use '%s': %s", path, strerror(errno));
    *ret = fd;
    return 0;
}

static int check_owner(int fd, const char *path, mode_t type, struct vfa_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return vfa_fail(err, errno, "cannot use '%s': %s", path, strerror(errno));
    if ((st.st_mode & S_IFMT) != type)
        return vfa_fail(err, EINVAL, "cannot use '%s': it is not a %s", path,
                        type == S_IFDIR ? "folder" : "regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return vfa_fail(err, EPERM, "cannot use '%s': it does not belong to root (chown root it)",
                        path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return vfa_fail(err, EPERM,
                        "cannot use '%s': others than root may write it (chmod go-w it)", path);
    if (type == S_IFREG && !(st.st_mode & S_IXUSR))
        return vfa_fail(err, EACCES, "cannot use '%s': it is not executable (chmod u+x it)", path);
    return 0;
}

int vfa_cleaner_find(const struct vfa_config *config, const char *name, char **ret_path,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int dir = -1;
    VFA_AUTO(vfa_closep) int fd = -1;
    VFA_AUTO(vfa_freep) char *path = NULL;
    int r;

    if (!vfa_cleaner_name_ok(name))
        return vfa_fail(err, EINVAL, "cannot use cleaner '%.80s': it is not the name of a program",
                        name);
    if (asprintf(&path, "%s/%s", config->clean_dir, name) < 0) {
        path = NULL;
        return vfa_fail_oom(err);
    }
    r = open_path(AT_FDCWD, config->clean_dir, config->clean_dir, &dir, err);
    if (r == 0)
        r = check_owner(dir, config->clean_dir, S_IFDIR, err);
    if (r == 0)
        r = open_path(dir, name, path, &fd, err);
    if (r == 0)
        r = check_owner(fd, path, S_IFREG, err);
    if (r == 0 && ret_path)
        *ret_path = vfa_steal(&path);
    return r;
}
