/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See node-link.h. Each part of a path is opened by itself, relative to the folder above, with
 * O_NOFOLLOW. What is checked is the open folder, so that nothing changes between check and use.
 *
 * Two programs can make links of one domain at the same time, and one of them may remove a folder
 * that the other has just opened. The kernel then gives ENOENT, and the link is made once more.
 */

#include "node-link.h"

#include "base/common.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_MODE  0711
#define MAX_ATTEMPTS 1000
#define TARGET_SIZE  128

static bool is_part(const char *part, size_t len)
{
    return len > 0 && len <= NAME_MAX && !(len == 1 && part[0] == '.') &&
           !(len == 2 && part[0] == '.' && part[1] == '.');
}

bool vfa_node_link_is_below(const char *folder, const char *path)
{
    size_t len = strlen(folder);

    if (strncmp(path, folder, len) != 0 || path[len] != '/')
        return false;
    for (const char *part = path + len; part; part = strchr(part, '/')) {
        part++;
        if (!is_part(part, strcspn(part, "/")))
            return false;
    }
    return true;
}

/* ---- folders ---- */

struct walk {
    const char *folder; /* of all links */
    const char *path;   /* of the link */
    bool create;        /* folders that are missing */
};

static int fail_walk(const struct walk *walk, int code, struct vfa_error *err)
{
    return vfa_fail(err, code, "cannot use the link '%s': %s", walk->path, strerror(code));
}

/* Only the user of this process can change what is in the folder. */
static int check_folder(const struct walk *walk, int fd, struct vfa_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return fail_walk(walk, errno, err);
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return vfa_fail(err, EPERM,
                        "cannot use the link '%s': others than root can write to a folder on the "
                        "way to it",
                        walk->path);
    return 0;
}

/* Opens a folder in the open folder `at`. -ENOENT with *err empty: there is none. */
static int open_folder(const struct walk *walk, int at, const char *name, int *ret,
                       struct vfa_error *err)
{
    bool made = walk->create && mkdirat(at, name, FOLDER_MODE) == 0;
    VFA_AUTO(vfa_closep)
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r;

    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0)
        return fail_walk(walk, errno, err);
    if (made && fchmod(fd, FOLDER_MODE) < 0) /* whatever the umask is */
        return fail_walk(walk, errno, err);
    r = check_folder(walk, fd, err);
    if (r == 0)
        *ret = vfa_steal_fd(&fd);
    return r;
}

/* Opens the folder of all links. The way to it is the administrator's, who has configured it. */
static int open_top(const struct walk *walk, int *ret, struct vfa_error *err)
{
    const char *slash = strrchr(walk->folder, '/');
    char parent[PATH_MAX];
    VFA_AUTO(vfa_closep) int at = -1;

    if (snprintf(parent, sizeof(parent), "%.*s/", (int)(slash - walk->folder), walk->folder) >=
        (int)sizeof(parent))
        return fail_walk(walk, ENAMETOOLONG, err);
    at = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT ? -ENOENT : fail_walk(walk, errno, err);
    return open_folder(walk, at, slash + 1, ret, err);
}

/* Copies the part of the path that begins at `part`. Returns the next part, or NULL. */
static const char *next_part(const char *part, char name[NAME_MAX + 1])
{
    size_t len = strcspn(part, "/");

    snprintf(name, NAME_MAX + 1, "%.*s", (int)len, part);
    return part[len] ? part + len + 1 : NULL;
}

/* Opens the folder of the link, and writes the name of the link. -ENOENT with *err empty: there is
 * no such folder (any more). */
static int open_parent(const struct walk *walk, int *ret, char name[NAME_MAX + 1],
                       struct vfa_error *err)
{
    const char *next = next_part(walk->path + strlen(walk->folder) + 1, name);
    VFA_AUTO(vfa_closep) int at = -1;
    int r = open_top(walk, &at, err);

    while (r == 0 && next) {
        int below = -1;

        r = open_folder(walk, at, name, &below, err);
        vfa_closep(&at);
        at = below;
        next = next_part(next, name);
    }
    if (r == 0)
        *ret = vfa_steal_fd(&at);
    return r;
}

/* ---- making ---- */

/* -ENOENT with *err empty: the folder was removed meanwhile. */
static int put_link(const struct walk *walk, int at, const char *name, const char *target,
                    struct vfa_error *err)
{
    char temporary[NAME_MAX + sizeof("..new")], old[2];

    if (readlinkat(at, name, old, sizeof(old)) < 0 && errno != ENOENT)
        return vfa_fail(err, EEXIST, "cannot make the link '%s': a file of this name is no link",
                        walk->path);
    snprintf(temporary, sizeof(temporary), ".%s.new", name);
    if (unlinkat(at, temporary, 0) < 0 && errno != ENOENT) /* of a program that was killed */
        return fail_walk(walk, errno, err);
    if (symlinkat(target, at, temporary) == 0 && renameat(at, temporary, at, name) == 0)
        return 0;
    return errno == ENOENT ? -ENOENT : fail_walk(walk, errno, err);
}

static int make_once(const struct walk *walk, const char *target, struct vfa_error *err)
{
    char name[NAME_MAX + 1];
    VFA_AUTO(vfa_closep) int at = -1;
    int r = open_parent(walk, &at, name, err);

    return r == 0 ? put_link(walk, at, name, target, err) : r;
}

int vfa_node_link_make(const char *folder, const char *path, const char *target,
                       struct vfa_error *err)
{
    const struct walk walk = {folder, path, true};
    int r = -ENOENT;

    if (!vfa_node_link_is_below(folder, path))
        return vfa_fail(err, EINVAL, "cannot make the link '%s': it is not below '%s'", path,
                        folder);
    for (unsigned i = 0; r == -ENOENT && i < MAX_ATTEMPTS; i++)
        r = make_once(&walk, target, err);
    return r == -ENOENT ? fail_walk(&walk, ENOENT, err) : r;
}

/* ---- asking ---- */

static bool leads_nowhere(int at, const char *name)
{
    return faccessat(at, name, F_OK, 0) < 0 && errno == ENOENT;
}

static bool is_link_to(int at, const char *name, const char *target, bool or_nowhere)
{
    char now[TARGET_SIZE];
    ssize_t n = readlinkat(at, name, now, sizeof(now) - 1);

    if (n < 0)
        return false;
    now[n] = '\0';
    return (target && strcmp(now, target) == 0) || (or_nowhere && leads_nowhere(at, name));
}

bool vfa_node_link_leads_to(const char *folder, const char *path, const char *target)
{
    const struct walk walk = {folder, path, false};
    char name[NAME_MAX + 1];
    VFA_AUTO(vfa_closep) int at = -1;

    return vfa_node_link_is_below(folder, path) && open_parent(&walk, &at, name, NULL) == 0 &&
           is_link_to(at, name, target, false);
}

/* ---- removing ---- */

/* Removes the empty folders from that of the link upwards. */
static void remove_folders(const char *folder, const char *path)
{
    VFA_AUTO(vfa_freep) char *above = strdup(path);
    char *slash;

    while (above && (slash = strrchr(above, '/')) && slash > above + strlen(folder)) {
        char name[NAME_MAX + 1];
        const struct walk walk = {folder, above, false};
        int at = -1, r;

        *slash = '\0';
        r = strlen(above) > strlen(folder) ? open_parent(&walk, &at, name, NULL) : -ENOENT;
        if (r == 0)
            r = unlinkat(at, name, AT_REMOVEDIR);
        vfa_closep(&at);
        if (r < 0)
            return;
    }
}

int vfa_node_link_remove(const char *folder, const char *path, const char *target,
                         struct vfa_error *err)
{
    const struct walk walk = {folder, path, false};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    char name[NAME_MAX + 1];
    VFA_AUTO(vfa_closep) int at = -1;
    int r = vfa_node_link_is_below(folder, path) ? open_parent(&walk, &at, name, &why) : -ENOENT;

    if (r < 0) /* it is not where a link of ours can be */
        return 0;
    if (is_link_to(at, name, target, true) && unlinkat(at, name, 0) < 0 && errno != ENOENT)
        return vfa_fail(err, errno, "cannot remove the link '%s': %s", path, strerror(errno));
    remove_folders(folder, path);
    return 0;
}
