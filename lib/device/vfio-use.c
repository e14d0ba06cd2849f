/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vfio-use.h. The names identify the open files: this file reads only the links in
 * /proc/PID/fd, because stat() may block on a file server that is down. The kernel shows the name
 * in the program's mount namespace, and appends " (deleted)" if the file was removed meanwhile; it
 * is still open.
 *
 * A name with more text before "/dev/vfio/" belongs to a program with another root, or to any file
 * below a folder of that name. Only for such a name stat() checks that it is a device node.
 */

#include "vfio-use.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "device.h"
#include "driver.h"
#include "pci.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define PROC    "../proc" /* relative to the root */
#define FOLDER  "/dev/vfio/"
#define DELETED " (deleted)"

void vfa_vfio_files_clear(struct vfa_vfio_files *files)
{
    free(files->items);
    *files = (struct vfa_vfio_files){.items = NULL};
}

/* ---- the open files of all processes ---- */

/* Whether the name is "12", "noiommu-12" or "devices/vfio12". /dev/vfio/vfio is the container; it
 * belongs to no device. */
static bool is_of_device(const char *name)
{
    static const char *const starts[] = {"noiommu-", "devices/vfio"};
    size_t digits;

    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0) {
            name += strlen(starts[i]);
            break;
        }
    }
    digits = strspn(name, "0123456789");
    return digits > 0 && (!name[digits] || strcmp(name + digits, DELETED) == 0);
}

/* Returns the part of a link's target below /dev/vfio, or NULL. */
static const char *name_of(const char *target)
{
    const char *at = strstr(target, FOLDER);

    while (at && !is_of_device(at + strlen(FOLDER)))
        at = strstr(at + 1, FOLDER);
    return at ? at + strlen(FOLDER) : NULL;
}

static bool is_node(int fdsfd, const char *link)
{
    struct stat st;

    return fstatat(fdsfd, link, &st, 0) == 0 && S_ISCHR(st.st_mode);
}

static int add_open_file(struct vfa_vfio_files *files, const char *name, unsigned pid,
                         struct vfa_error *err)
{
    size_t len = strcspn(name, " ");
    struct vfa_vfio_file *file;

    if (len >= sizeof(file->name))
        return 0;
    file = vfa_array_grow(&files->items, files->n);
    if (!file)
        return vfa_fail_oom(err);
    memcpy(file->name, name, len);
    file->pid = pid;
    files->n++;
    return 0;
}

static int read_fd_link(struct vfa_vfio_files *files, int fdsfd, const char *link, unsigned pid,
                        struct vfa_error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(fdsfd, link, target, sizeof(target) - 1);
    const char *name;

    if (n <= 0)
        return 0;
    target[n] = '\0';
    name = name_of(target);
    if (!name || (name != target + strlen(FOLDER) && !is_node(fdsfd, link)))
        return 0;
    return add_open_file(files, name, pid, err);
}

/* A process that has ended, or that may not be inspected, has no open files. */
static int read_process(struct vfa_vfio_files *files, int procfd, const char *name, unsigned pid,
                        struct vfa_error *err)
{
    char path[NAME_MAX + sizeof("/fd")];
    const struct dirent *entry;
    int fd, r = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "%s/fd", name);
    fd = vfa_sysfs_opendir(procfd, path);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        vfa_closep(&fd);
        return 0;
    }
    while (r == 0 && (entry = readdir(dir)))
        r = read_fd_link(files, fd, entry->d_name, pid, err);
    closedir(dir);
    return r;
}

static int read_processes(struct vfa_vfio_files *files, const struct vfa_sysfs *sysfs,
                          struct vfa_error *err)
{
    const struct dirent *entry;
    int fd = vfa_sysfs_opendir(sysfs->rootfd, PROC), r = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    files->read = true;
    if (!dir) {
        vfa_closep(&fd);
        return 0;
    }
    while (r == 0 && (entry = readdir(dir))) {
        uint32_t pid;

        if (vfa_parse_u32(entry->d_name, INT32_MAX, &pid) == 0)
            r = read_process(files, fd, entry->d_name, (unsigned)pid, err);
    }
    closedir(dir);
    return r;
}

/* ---- one device ---- */

static bool is_suspended(int dirfd)
{
    char status[32];

    return vfa_sysfs_read(dirfd, "power/runtime_status", status, sizeof(status)) == 0 &&
           strcmp(status, "suspended") == 0;
}

static const struct vfa_vfio_file *find_name(const struct vfa_vfio_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++) {
        if (strcmp(files->items[i].name, name) == 0)
            return &files->items[i];
    }
    return NULL;
}

/* Finds the file of the device itself, /dev/vfio/devices/vfioN. */
static const struct vfa_vfio_file *find_device_file(const struct vfa_vfio_files *files, int dirfd)
{
    char entry[16], name[32];

    if (vfa_sysfs_first_entry(dirfd, "vfio-dev", entry, sizeof(entry)) != 0)
        return NULL;
    snprintf(name, sizeof(name), "devices/%s", entry);
    return find_name(files, name);
}

static const struct vfa_vfio_file *find_group_file(const struct vfa_vfio_files *files, int group)
{
    const struct vfa_vfio_file *file;
    char name[32];

    snprintf(name, sizeof(name), "%d", group);
    file = find_name(files, name);
    if (file)
        return file;
    snprintf(name, sizeof(name), "noiommu-%d", group);
    return find_name(files, name);
}

/* ---- the IOMMU group: the kernel gives all of it to one program ---- */

struct members {
    const struct vfa_vfio_files *files; /* NULL: not read yet */
    bool awake;                         /* a member is not suspended */
    const struct vfa_vfio_file *file;   /* the open file of a member, or NULL */
};

static void inspect_member(struct members *members, int dirfd)
{
    char driver[64];

    if (vfa_sysfs_link(dirfd, "driver", driver, sizeof(driver)) != 0 ||
        !vfa_driver_has_vfio(dirfd, driver))
        return;
    members->awake = members->awake || !is_suspended(dirfd);
    if (members->files && !members->file)
        members->file = find_device_file(members->files, dirfd);
}

/* dirfd: the sysfs folder of a device in the group. */
static void inspect_members(struct members *members, int dirfd)
{
    int fd = vfa_sysfs_opendir(dirfd, "iommu_group/devices");
    const struct dirent *entry;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        vfa_closep(&fd);
        return;
    }
    while ((entry = readdir(dir))) {
        VFA_AUTO(vfa_closep)
        int member = entry->d_name[0] == '.' ? -1 : vfa_sysfs_opendir(fd, entry->d_name);

        if (member >= 0)
            inspect_member(members, member);
    }
    closedir(dir);
}

static void describe_holder(const struct vfa_sysfs *sysfs, const struct vfa_vfio_file *file,
                            char *ret, size_t size)
{
    char path[64], name[32];

    snprintf(path, sizeof(path), PROC "/%u/comm", file->pid);
    if (vfa_sysfs_read(sysfs->rootfd, path, name, sizeof(name)) != 0)
        strcpy(name, "?");
    snprintf(ret, size, "process %u (%s) has /dev/vfio/%s open", file->pid, name, file->name);
}

/* The kernel suspends devices that no program has open: then there is no need to read processes. */
static bool is_idle(int dirfd)
{
    struct members members = {.awake = !is_suspended(dirfd)};

    inspect_members(&members, dirfd);
    return !members.awake;
}

static const struct vfa_vfio_file *find_file(const struct vfa_vfio_files *files, int dirfd,
                                             const struct vfa_device *dev)
{
    struct members members = {.files = files};

    if (dev->iommu_group >= 0)
        members.file = find_group_file(files, dev->iommu_group);
    if (!members.file)
        members.file = find_device_file(files, dirfd);
    if (!members.file)
        inspect_members(&members, dirfd);
    return members.file;
}

int vfa_vfio_find(struct vfa_vfio_files *files, const struct vfa_sysfs *sysfs,
                  const struct vfa_device *dev, char *ret, size_t size, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int dirfd = -1;
    const struct vfa_vfio_file *file;
    int r = 0;

    *ret = '\0';
    if (!dev->driver)
        return 0;
    dirfd = vfa_pci_open(sysfs, &dev->addr);
    if (dirfd < 0 || !vfa_driver_has_vfio(dirfd, dev->driver) || is_idle(dirfd))
        return 0;
    if (!files->read)
        r = read_processes(files, sysfs, err);
    file = r == 0 ? find_file(files, dirfd, dev) : NULL;
    if (file)
        describe_holder(sysfs, file, ret, size);
    return r;
}
