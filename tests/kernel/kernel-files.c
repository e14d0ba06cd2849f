/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See kernel.h: files, records and locks of the made kernel, and the calls about files. */
#undef _FORTIFY_SOURCE /* would define open() itself */
#include "kernel.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

const char *kernel_root(void)
{
    return getenv("VFA_MADE_KERNEL");
}

static void give_up(const char *what)
{
    dprintf(STDERR_FILENO, "made kernel: %s: %s\n", what, strerror(errno));
    abort();
}

int kernel_real_open(const char *path, int flags)
{
    return REAL(open)(path, flags | O_CLOEXEC, 0644);
}

/* ---- paths ---- */

__attribute__((format(printf, 2, 0))) static char *format_path(char path[PATH_LEN],
                                                               const char *format, va_list args)
{
    int n = snprintf(path, PATH_LEN, "%s/", kernel_root());

    vsnprintf(path + n, (size_t)(PATH_LEN - n), format, args);
    return path;
}

char *kernel_path(char path[PATH_LEN], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    format_path(path, format, args);
    va_end(args);
    return path;
}

bool kernel_exists(const char *format, ...)
{
    char path[PATH_LEN];
    va_list args;

    va_start(args, format);
    format_path(path, format, args);
    va_end(args);
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void kernel_put(const char *path, const char *text)
{
    char temporary[PATH_LEN + 32];
    int fd;

    snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
    fd = kernel_real_open(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0 || REAL(write)(fd, text, strlen(text)) < 0 || close(fd) < 0 ||
        rename(temporary, path) < 0)
        give_up(path);
}

void kernel_link(const char *target, const char *path)
{
    size_t same = 0, i = 0;
    char relative[2 * PATH_LEN] = "";

    for (; path[i] && path[i] == target[i]; i++)
        same = path[i] == '/' ? i + 1 : same;
    for (i = same; path[i]; i++) {
        if (path[i] == '/')
            strcat(relative, "../");
    }
    strcat(relative, target + same);
    if (symlink(relative, path) < 0)
        give_up(path);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void kernel_rmtree(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- records ---- */

static FILE *open_record(const char *record)
{
    char path[PATH_LEN];
    int fd = kernel_real_open(kernel_path(path, "../kernel/%s", record), O_RDONLY);

    return fd < 0 ? NULL : fdopen(fd, "r");
}

char *kernel_get(const char *record, const char *key, char value[LINE_LEN])
{
    FILE *file = open_record(record);
    char line[LINE_LEN];
    size_t n = strlen(key);

    *value = '\0';
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, key, n) == 0 && line[n] == ' ')
            strcpy(value, line + n + 1);
    }
    if (file)
        fclose(file);
    return value;
}

uint64_t kernel_number(const char *record, const char *key)
{
    char value[LINE_LEN];

    return strtoull(kernel_get(record, key, value), NULL, 0);
}

void kernel_set(const char *record, const char *key, const char *value)
{
    char text[4096] = "", line[LINE_LEN], path[PATH_LEN];
    FILE *file = open_record(record);
    size_t n = strlen(key), len = 0;

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, n) != 0 || line[n] != ' ')
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", line);
    }
    if (file)
        fclose(file);
    snprintf(text + len, sizeof(text) - len, "%s %s\n", key, value);
    kernel_put(kernel_path(path, "../kernel/%s", record), text);
}

void kernel_set_number(const char *record, const char *key, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    kernel_set(record, key, text);
}

/* ---- locks, numbers, what a test wants ---- */

static void wait_for_lock(int fd, int how)
{
    while (flock(fd, how) < 0) {
        if (errno != EINTR)
            give_up("flock");
    }
}

int kernel_lock(const char *path)
{
    int fd = kernel_real_open(path, O_RDWR | O_CREAT);

    if (fd < 0)
        give_up(path);
    wait_for_lock(fd, LOCK_EX);
    return fd;
}

unsigned kernel_take_number(const char *hint, const char *pattern)
{
    char path[PATH_LEN], name[LINE_LEN];
    int fd = kernel_lock(kernel_path(path, "../kernel/lock.%s", hint));
    unsigned number = (unsigned)kernel_number("hints", hint);

    for (;; number++) {
        snprintf(name, sizeof(name), "%s%u", pattern, number);
        if (!kernel_exists("%s", name))
            break;
    }
    kernel_set_number("hints", hint, number + 1);
    close(fd);
    return number;
}

void kernel_release_number(const char *hint, unsigned number)
{
    char path[PATH_LEN];
    int fd = kernel_lock(kernel_path(path, "../kernel/lock.%s", hint));

    if (number < kernel_number("hints", hint))
        kernel_set_number("hints", hint, number);
    close(fd);
}

static void note_call(const char *call, const char *object)
{
    char path[PATH_LEN], line[LINE_LEN];
    int fd = kernel_real_open(kernel_path(path, "../kernel/calls"), O_WRONLY | O_APPEND | O_CREAT);
    int n = snprintf(line, sizeof(line), "%s %s\n", call, object);

    if (fd < 0 || REAL(write)(fd, line, (size_t)n) < 0)
        give_up(path);
    close(fd);
}

int kernel_call(const char *call, const char *object, char text[LINE_LEN])
{
    char path[PATH_LEN], record[64];
    int fd;

    note_call(call, object);
    fd = kernel_real_open(kernel_path(path, "../kernel/hang.%s", call), O_RDONLY);
    if (fd >= 0) {
        wait_for_lock(fd, LOCK_SH);
        close(fd);
    }
    snprintf(record, sizeof(record), "fail.%s", call);
    kernel_get(record, "text", text);
    return (int)kernel_number(record, "code");
}

/* ---- calls about files ---- */

/* The path of an open file, if it is below `folder` of the made host: what is behind `folder`. */
static const char *name_below(int fd, const char *folder, char path[PATH_LEN])
{
    char link[32], whole[PATH_LEN], real[PATH_LEN];
    ssize_t n;

    if (!kernel_root() || !realpath(kernel_path(whole, "%s", folder), real))
        return NULL;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_LEN - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    if (strncmp(path, real, strlen(real)) != 0)
        return NULL;
    return path[strlen(real)] == '/' ? path + strlen(real) + 1 : path[strlen(real)] ? NULL : "";
}

static bool is_root(int fd)
{
    char path[PATH_LEN];
    const char *name = name_below(fd, "", path);

    return name && !*name;
}

int fstatfs(int fd, struct statfs *buf)
{
    int r = REAL(fstatfs)(fd, buf);

    if (r == 0 && is_root(fd))
        buf->f_type = SYSFS_MAGIC;
    return r;
}

int fstatfs64(int fd, struct statfs64 *buf)
{
    int r = REAL(fstatfs64)(fd, buf);

    if (r == 0 && is_root(fd))
        buf->f_type = SYSFS_MAGIC;
    return r;
}

/* Of the nodes one program at a time can have open. */
static int after_open(int fd, const char *name)
{
    char path[PATH_LEN];
    const char *node = NULL;

    if (fd >= 0 && (strstr(name, "vhost-vdpa-") || strstr(name, "vfio/")))
        node = name_below(fd, "../dev", path);
    if (!node || !strpbrk(node, "0123456789") || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    errno = EBUSY;
    return -1;
}

static int mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list args;                                                                              \
        int fd;                                                                                    \
                                                                                                   \
        va_start(args, flags);                                                                     \
        fd = REAL(name)(path, flags, mode_of(flags, args));                                        \
        va_end(args);                                                                              \
        return after_open(fd, path);                                                               \
    }
#define OPENAT(name)                                                                               \
    int name(int dirfd, const char *path, int flags, ...)                                          \
    {                                                                                              \
        va_list args;                                                                              \
        int fd;                                                                                    \
                                                                                                   \
        va_start(args, flags);                                                                     \
        fd = REAL(name)(dirfd, path, flags, mode_of(flags, args));                                 \
        va_end(args);                                                                              \
        return after_open(fd, path);                                                               \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* ---- attributes that do something ---- */

/* Cuts "A/B/C" into up to four parts from its end. Returns how many; parts[0] is the last. */
static int cut(char *path, char *parts[4])
{
    int n = 0;
    char *slash;

    while (n < 3 && (slash = strrchr(path, '/'))) {
        parts[n++] = slash + 1;
        *slash = '\0';
    }
    parts[n++] = path;
    return n;
}

/* -1: not such an attribute; else 0 or an errno. */
static int act(char *name, const char *text)
{
    bool of_vdpa = strncmp(name, "bus/vdpa/drivers/", 17) == 0;
    char *part[4], *parent;

    if (cut(name, part) < 4)
        return -1;
    if (of_vdpa && strcmp(part[0], "bind") == 0)
        return kernel_vdpa_bind(part[1], text);
    if (of_vdpa && strcmp(part[0], "unbind") == 0)
        return kernel_vdpa_unbind(part[1], text);
    parent = strrchr(part[3], '/') ? strrchr(part[3], '/') + 1 : part[3];
    if (strcmp(part[0], "create") == 0 && strcmp(part[2], "mdev_supported_types") == 0)
        return kernel_mdev_create(parent, part[1], text);
    if (strcmp(part[0], "remove") == 0 && strlen(part[1]) == 36)
        return kernel_mdev_remove(part[2], part[1]);
    return -1;
}

ssize_t write(int fd, const void *data, size_t len)
{
    char path[PATH_LEN], text[LINE_LEN];
    const char *name = len < LINE_LEN ? name_below(fd, "", path) : NULL;
    int r = -1;

    if (name && *name) {
        snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)data);
        text[strcspn(text, "\n")] = '\0';
        r = act((char *)(uintptr_t)name, text);
    }
    if (r > 0)
        errno = r;
    return r < 0 ? REAL(write)(fd, data, len) : r ? -1 : (ssize_t)len;
}
