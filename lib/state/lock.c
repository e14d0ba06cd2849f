/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See lock.h. Why open-file-description locks: POSIX locks vanish when any descriptor of the file
 * is closed (fcntl(2)), and a flock(2) cannot be queried without taking it.
 *
 * Any process that can open the file can take a read lock on it. Therefore only root and the group
 * of the state file can open it, and a read lock does not count as holding the lock.
 */

#include "lock.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

/* The bytes of a file next to the state file. */
struct place {
    const char *suffix;
    int64_t start, len; /* len 0: the whole file */
};

static const struct place daemon_place = {".lock", 0, 0};

static struct place lease_place(int64_t number)
{
    return (struct place){".borrow", number, 1};
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). Devices with the same number share a lock:
 * one waits for the other. */
static uint64_t hash_id(const char *device)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *device; device++)
        hash = (hash ^ (unsigned char)*device) * 0x100000001b3u;
    return hash;
}

/* A PCI address is less than 2^48; the numbers of other devices are from 2^62. */
static struct place device_place(const char *suffix, const char *device)
{
    const uint64_t others = UINT64_C(1) << 62;
    struct vfa_pci_addr addr;
    int64_t number = (int64_t)(others | (hash_id(device) & (others - 2)));

    if (vfa_parse_pci_addr(device, &addr) == 0)
        number = (int64_t)addr.domain << 16 | addr.bus << 8 | addr.slot << 3 | addr.function;
    return (struct place){suffix, number, 1};
}

static char *lock_path(const char *state_path, const struct place *place)
{
    char *path;

    return asprintf(&path, "%s%s", state_path, place->suffix) < 0 ? NULL : path;
}

static struct flock flock_of(const struct place *place, short type)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = place->start, .l_len = place->len};
}

static int take_lock(const char *state_path, const struct place *place, int *ret_fd,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *path = lock_path(state_path, place);
    VFA_AUTO(vfa_freep) char *copy = strdup(state_path);
    struct flock lock = flock_of(place, F_WRLCK);
    VFA_AUTO(vfa_closep) int fd = -1;

    if (!path || !copy)
        return vfa_fail_oom(err);
    if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
        return vfa_fail(err, errno, "cannot create the folder of '%s': %s", path, strerror(errno));
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return vfa_fail(err, errno, "cannot open '%s': %s", path, strerror(errno));
    (void)fchmod(fd, 0640); /* version 0.1 created it readable for all */
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return VFA_LOCK_TAKEN;
        return vfa_fail(err, errno, "cannot lock '%s': %s", path, strerror(errno));
    }
    *ret_fd = vfa_steal_fd(&fd);
    return 0;
}

static int query_lock(const char *state_path, const struct place *place, bool *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *path = lock_path(state_path, place);
    struct flock lock = flock_of(place, F_RDLCK); /* only a write lock conflicts */
    VFA_AUTO(vfa_closep) int fd = -1;

    if (!path)
        return vfa_fail_oom(err);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        *ret = false;
        return 0;
    }
    if (fd < 0)
        return vfa_fail(err, errno, "cannot open '%s': %s", path, strerror(errno));
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return vfa_fail(err, errno, "cannot ask for the lock of '%s': %s", path, strerror(errno));
    *ret = lock.l_type != F_UNLCK;
    return 0;
}

int vfa_lock_acquire(const char *state_path, int *ret_fd, struct vfa_error *err)
{
    return take_lock(state_path, &daemon_place, ret_fd, err);
}

bool vfa_lock_adopt(const char *state_path, int fd)
{
    VFA_AUTO(vfa_freep) char *path = lock_path(state_path, &daemon_place);
    struct flock lock = flock_of(&daemon_place, F_WRLCK);
    struct stat now, handed;

    return path && lstat(path, &now) == 0 && fstat(fd, &handed) == 0 &&
           now.st_dev == handed.st_dev && now.st_ino == handed.st_ino &&
           fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

int vfa_lock_is_held(const char *state_path, bool *ret, struct vfa_error *err)
{
    return query_lock(state_path, &daemon_place, ret, err);
}

int vfa_lock_lease(const char *state_path, int64_t number, int *ret_fd, struct vfa_error *err)
{
    const struct place place = lease_place(number);

    return take_lock(state_path, &place, ret_fd, err);
}

int vfa_lock_is_leased(const char *state_path, int64_t number, bool *ret, struct vfa_error *err)
{
    const struct place place = lease_place(number);

    return query_lock(state_path, &place, ret, err);
}

int vfa_lock_device(const char *state_path, const char *device, int *ret_fd, struct vfa_error *err)
{
    const struct place place = device_place(".release", device);

    return take_lock(state_path, &place, ret_fd, err);
}

int vfa_lock_making(const char *state_path, const char *device, int *ret_fd, struct vfa_error *err)
{
    const struct place place = device_place(".make", device);

    return take_lock(state_path, &place, ret_fd, err);
}

int vfa_lock_cleaning(const char *state_path, const char *device, int *ret_fd,
                      struct vfa_error *err)
{
    const struct place place = device_place(".clean", device);

    return take_lock(state_path, &place, ret_fd, err);
}

int vfa_lock_is_cleaning(const char *state_path, const char *device, bool *ret,
                         struct vfa_error *err)
{
    const struct place place = device_place(".clean", device);

    return query_lock(state_path, &place, ret, err);
}

/* Unlocks before closing: the kernel reports the close (inotify) before it drops the lock, so a
 * process that it wakes would still see the lock. */
void vfa_lock_endp(int *fd)
{
    struct flock none = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    if (*fd < 0)
        return;
    (void)fcntl(*fd, F_OFD_SETLK, &none);
    close(*fd);
    *fd = -1;
}
