/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See disk-use.h. Reads only files of /sys, /proc and udev's database; never opens a disk. A device
 * that vanishes during the check is not in use. A mountinfo that exists but cannot be read is an
 * error: the mounts would be a guess.
 */

#include "disk-use.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define PROC "../proc/"
#define UDEV "../run/udev/data/"

void vfa_disks_clear(struct vfa_disks *disks)
{
    for (size_t i = 0; i < disks->n_blocks; i++) {
        free(disks->blocks[i].name);
        free(disks->blocks[i].path);
    }
    for (size_t i = 0; i < disks->n_uses; i++) {
        free(disks->uses[i].key);
        free(disks->uses[i].how);
    }
    free(disks->blocks);
    free(disks->uses);
    *disks = (struct vfa_disks){0};
}

/* Calls visit() for each entry of a folder. A missing folder has no entries. */
static int each_entry(int dirfd, const char *path,
                      int (*visit)(struct vfa_disks *disks, int fd, const char *name,
                                   struct vfa_error *err),
                      struct vfa_disks *disks, struct vfa_error *err)
{
    const struct dirent *entry;
    int fd = vfa_sysfs_opendir(dirfd, path);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int r = 0;

    if (!dir) {
        vfa_closep(&fd);
        return 0;
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            r = visit(disks, fd, entry->d_name, err);
    }
    closedir(dir);
    return r;
}

/* ---- block devices ---- */

static int add_block(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err)
{
    char path[PATH_MAX];
    ssize_t n = readlinkat(fd, name, path, sizeof(path) - 1);
    struct vfa_block *block;

    if (n < 0)
        return 0;
    path[n] = '\0';
    block = vfa_array_grow(&disks->blocks, disks->n_blocks);
    if (!block)
        return vfa_fail_oom(err);
    *block = (struct vfa_block){.name = strdup(name), .path = strdup(path)};
    disks->n_blocks++;
    return block->name && block->path ? 0 : vfa_fail_oom(err);
}

/* Whether the block device is the folder of that name, or is below it. */
static bool is_below(const struct vfa_block *block, const char *folder)
{
    size_t len = strlen(folder);

    for (const char *p = strchr(block->path, '/'); p; p = strchr(p + 1, '/')) {
        if (strncmp(p + 1, folder, len) == 0 && (p[1 + len] == '/' || p[1 + len] == '\0'))
            return true;
    }
    return false;
}

/* The hidden device nvme0c1n2 is a path to the head nvme0n2, which is below no PCI device. */
static bool is_path(const char *name, char *ret_head, size_t size)
{
    unsigned subsystem, controller, head;
    int end = 0;

    if (sscanf(name, "nvme%5uc%5un%5u%n", &subsystem, &controller, &head, &end) != 3 || name[end])
        return false;
    snprintf(ret_head, size, "nvme%un%u", subsystem, head);
    return true;
}

/* ---- block devices in use ---- */

static int add_use(struct vfa_disks *disks, const char *key, const char *how, const char *what,
                   struct vfa_error *err)
{
    struct vfa_block_use *use = vfa_array_grow(&disks->uses, disks->n_uses);

    if (!use)
        return vfa_fail_oom(err);
    use->key = strdup(key);
    if (asprintf(&use->how, "%s%s", how, what) < 0)
        use->how = NULL;
    disks->n_uses++;
    return use->key && use->how ? 0 : vfa_fail_oom(err);
}

/* Adds the use of a node below /dev. sysfs writes '!' for '/': /dev/cciss/c0d0 is cciss!c0d0. */
static int add_use_of_node(struct vfa_disks *disks, char *node, const char *how, const char *what,
                           struct vfa_error *err)
{
    static const char dev[] = "/dev/";

    if (strncmp(node, dev, strlen(dev)) != 0)
        return 0;
    node += strlen(dev);
    for (char *p = strchr(node, '/'); p; p = strchr(p, '/'))
        *p = '!';
    return add_use(disks, node, how, what, err);
}

/* Reads a line of mountinfo: "ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [TAG...] - TYPE SOURCE
 * OPTIONS". A file system on several disks has a number 0:N, and its source may name the disks,
 * separated by colons. The options name the disk of a journal (logdev=/dev/sdb1). */
static int add_mount(struct vfa_disks *disks, char *line, struct vfa_error *err)
{
    static const char how[] = "is mounted on ";
    char *number = NULL, *on = NULL, *rest = line, *source;
    int r = 0;

    for (int i = 0; i < 5 && rest; i++) {
        char *field = strsep(&rest, " ");

        number = i == 2 ? field : number;
        on = field;
    }
    source = rest ? strstr(rest, " - ") : NULL;
    if (!source || !number)
        return 0;
    if (strncmp(number, "0:", 2) != 0)
        r = add_use(disks, number, how, on, err);
    rest = source + strlen(" - ");
    strsep(&rest, " "); /* the type */
    for (source = strsep(&rest, " "); r == 0 && source;)
        r = add_use_of_node(disks, strsep(&source, ":"), how, on, err);
    while (r == 0 && rest) {
        char *value = strchr(strsep(&rest, ","), '=');

        r = value ? add_use_of_node(disks, value + 1, how, on, err) : 0;
    }
    return r;
}

/* Reads a line of swaps: "Filename Type Size Used Priority". The mounts cover swap files. */
static int add_swap(struct vfa_disks *disks, char *line, struct vfa_error *err)
{
    return add_use_of_node(disks, strsep(&line, " \t"), "is swap", "", err);
}

/* Calls visit() for each line of a file of /proc. A missing file has no lines. */
static int each_line(const struct vfa_sysfs *sysfs, const char *path,
                     int (*visit)(struct vfa_disks *disks, char *line, struct vfa_error *err),
                     struct vfa_disks *disks, struct vfa_error *err)
{
    int fd = openat(sysfs->rootfd, path, O_RDONLY | O_CLOEXEC);
    VFA_AUTO(vfa_fclosep) FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    VFA_AUTO(vfa_freep) char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int r = 0;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    while (f && r == 0 && (errno = 0, n = getline(&line, &size, f)) > 0) {
        line[n - 1] = line[n - 1] == '\n' ? '\0' : line[n - 1];
        r = visit(disks, line, err);
    }
    if (r == 0 && (!f || ferror(f)))
        r = vfa_fail(err, errno, "cannot read '%s': %s", path + strlen(".."), strerror(errno));
    return r;
}

/* libvirt's daemon and vfaliasd may run in a mount namespace that lacks some mounts of the host. So
 * this reads the mounts of init too, if allowed. */
static int read_mounts(struct vfa_disks *disks, const struct vfa_sysfs *sysfs,
                       struct vfa_error *err)
{
    if (each_line(sysfs, PROC "1/mountinfo", add_mount, disks, NULL) == -ENOMEM)
        return vfa_fail_oom(err);
    return each_line(sysfs, PROC "self/mountinfo", add_mount, disks, err);
}

/* ---- mounted file systems in <root>/fs ---- */

/* <root>/fs/ext4/sda1. Other entries, such as "features", are not names of devices. */
static int add_single(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err)
{
    return add_use(disks, name, "has a file system that is mounted", "", err);
}

static int add_member(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err)
{
    return add_use(disks, name, "belongs to a file system that is mounted", "", err);
}

/* <root>/fs/btrfs/UUID/devices/sda1 */
static int add_btrfs(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err)
{
    char path[NAME_MAX + sizeof("/devices")];

    snprintf(path, sizeof(path), "%s/devices", name);
    return each_entry(fd, path, add_member, disks, err);
}

/* <root>/fs/bcachefs/UUID/dev-0/block, a link to the device */
static int add_bcachefs_device(struct vfa_disks *disks, int fd, const char *name,
                               struct vfa_error *err)
{
    char path[NAME_MAX + sizeof("/block")], device[NAME_MAX + 1];

    snprintf(path, sizeof(path), "%s/block", name);
    if (vfa_sysfs_link(fd, path, device, sizeof(device)) != 0)
        return 0;
    return add_member(disks, fd, device, err);
}

static int add_bcachefs(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err)
{
    return each_entry(fd, name, add_bcachefs_device, disks, err);
}

static int read_file_systems(struct vfa_disks *disks, const struct vfa_sysfs *sysfs,
                             struct vfa_error *err)
{
    static const struct {
        const char *folder;
        int (*visit)(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err);
    } kinds[] = {
        {"fs/ext4", add_single},       {"fs/xfs", add_single},  {"fs/f2fs", add_single},
        {"fs/nilfs2", add_single},     {"fs/btrfs", add_btrfs}, {"fs/erofs", add_single},
        {"fs/bcachefs", add_bcachefs},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
        r = each_entry(sysfs->rootfd, kinds[i].folder, kinds[i].visit, disks, err);
    return r;
}

static int read_uses(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, struct vfa_error *err)
{
    int r = disks->read ? 0 : read_mounts(disks, sysfs, err);

    if (r == 0 && !disks->read)
        r = each_line(sysfs, PROC "swaps", add_swap, disks, err);
    if (r == 0 && !disks->read)
        r = read_file_systems(disks, sysfs, err);
    disks->read = r == 0;
    return r;
}

/* ---- ZFS: sysfs and procfs do not show its disks ---- */

static int count_pool(struct vfa_disks *disks, int fd, const char *name, struct vfa_error *err)
{
    struct stat st;

    return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) ? 1 : 0;
}

/* Whether udev found a ZFS member on the disk, and a pool is imported. */
static bool is_zfs(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, const char *number)
{
    VFA_AUTO(vfa_fclosep) FILE *f = NULL;
    VFA_AUTO(vfa_freep) char *line = NULL;
    char path[64];
    size_t size = 0;
    bool found = false;
    int fd;

    if (each_entry(sysfs->rootfd, PROC "spl/kstat/zfs", count_pool, disks, NULL) == 0)
        return false;
    snprintf(path, sizeof(path), UDEV "b%s", number);
    fd = openat(sysfs->rootfd, path, O_RDONLY | O_CLOEXEC);
    f = fd < 0 ? NULL : fdopen(fd, "r");
    while (f && !found && getline(&line, &size, f) > 0)
        found = strcmp(line, "E:ID_FS_TYPE=zfs_member\n") == 0;
    return found;
}

/* ---- one block device ---- */

static void check_block(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, const char *name,
                        char *detail, size_t size)
{
    char path[2 * NAME_MAX], holder[NAME_MAX + 1], number[32] = "";

    snprintf(path, sizeof(path), "class/block/%s/holders", name);
    if (vfa_sysfs_first_entry(sysfs->rootfd, path, holder, sizeof(holder)) == 0) {
        snprintf(detail, size, "%s is part of %.64s", name, holder);
        return;
    }
    snprintf(path, sizeof(path), "class/block/%s/dev", name);
    if (vfa_sysfs_read(sysfs->rootfd, path, number, sizeof(number)) != 0)
        number[0] = '\0';
    for (size_t i = 0; i < disks->n_uses; i++) {
        const struct vfa_block_use *use = &disks->uses[i];

        if (strcmp(use->key, name) == 0 || strcmp(use->key, number) == 0) {
            snprintf(detail, size, "%.60s %.80s", name, use->how);
            return;
        }
    }
    if (is_zfs(disks, sysfs, number))
        snprintf(detail, size, "%.60s belongs to a ZFS pool", name);
}

static void check_below(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, const char *folder,
                        char *detail, size_t size)
{
    for (size_t i = 0; !*detail && i < disks->n_blocks; i++) {
        const struct vfa_block *block = &disks->blocks[i];
        char head[64];

        if (!is_below(block, folder))
            continue;
        check_block(disks, sysfs, block->name, detail, size);
        if (!*detail && is_path(block->name, head, sizeof(head)) && strcmp(folder, head) != 0)
            check_below(disks, sysfs, head, detail, size);
    }
}

int vfa_disks_find(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, const char *address,
                   char *ret_detail, size_t size, struct vfa_error *err)
{
    char detail[160] = "";
    bool any = false;
    int r = 0;

    if (!disks->listed)
        r = each_entry(sysfs->rootfd, "class/block", add_block, disks, err);
    disks->listed = r == 0;
    for (size_t i = 0; i < disks->n_blocks; i++)
        any = any || is_below(&disks->blocks[i], address);
    if (r == 0 && any)
        r = read_uses(disks, sysfs, err);
    if (r < 0)
        return r;
    check_below(disks, sysfs, address, detail, sizeof(detail));
    snprintf(ret_detail, size, "%s", detail);
    return 0;
}
