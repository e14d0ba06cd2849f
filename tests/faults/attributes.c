/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library: a made tree ($VFA_MADE_SYSFS) is a sysfs, and its files are attributes, whose
 * values each write replaces. The lines of the file $VFA_MADE_RULES say what their driver does:
 *   NAME ERRNO UNTIL    refuses writes to files whose paths end with NAME, until then (seconds since
 *                       the epoch)
 *   NAME kill before    SIGKILL instead of the write, or
 *   NAME kill after     when it has been done
 *   NAME empty 0        takes each value and shows none
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

/* The path of a descriptor below the root, "" for the root itself; NULL: it is elsewhere. */
static const char *below_root(int fd, char *path, size_t size)
{
    const char *root = getenv("VFA_MADE_SYSFS");
    char link[32];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = root ? readlink(link, path, size - 1) : -1;
    if (n < 0)
        return NULL;
    path[n] = '\0';
    return strncmp(path, root, strlen(root)) == 0 ? path + strlen(root) : NULL;
}

/* ---- the root ---- */

int fstatfs(int fd, struct statfs *buf)
{
    int r = REAL(fstatfs)(fd, buf);
    char path[4096];

    if (r == 0 && below_root(fd, path, sizeof(path)))
        buf->f_type = SYSFS_MAGIC;
    return r;
}

int fstatfs64(int fd, struct statfs64 *buf)
{
    int r = REAL(fstatfs64)(fd, buf);
    char path[4096];

    if (r == 0 && below_root(fd, path, sizeof(path)))
        buf->f_type = SYSFS_MAGIC;
    return r;
}

/* ---- the driver ---- */

struct rule {
    char name[256], what[16], when[32];
};

static int ends_with(const char *path, const char *name)
{
    size_t len = strlen(path), end = strlen(name);

    return len > end && path[len - end - 1] == '/' && strcmp(path + len - end, name) == 0;
}

/* The first rule for a file. */
static int find_rule(const char *path, struct rule *ret)
{
    const char *rules = getenv("VFA_MADE_RULES");
    FILE *f = rules ? fopen(rules, "re") : NULL;
    int found = 0;

    while (f && !found && fscanf(f, "%255s %15s %31s", ret->name, ret->what, ret->when) == 3)
        found = ends_with(path, ret->name);
    if (f)
        fclose(f);
    return found;
}

static int is_still(const char *until)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9 < strtod(until, NULL);
}

static ssize_t write_attribute(const struct rule *rule, int fd, const void *data, size_t len)
{
    int empty = strcmp(rule->what, "empty") == 0, kills = strcmp(rule->what, "kill") == 0;
    ssize_t n;

    if (kills && strcmp(rule->when, "before") == 0)
        raise(SIGKILL);
    if (!empty && !kills && is_still(rule->when)) {
        errno = atoi(rule->what);
        return -1;
    }
    n = ftruncate(fd, 0) < 0 ? -1 : REAL(write)(fd, empty ? "\n" : data, empty ? 1 : len);
    if (kills)
        raise(SIGKILL);
    return n < 0 ? n : (ssize_t)len;
}

ssize_t write(int fd, const void *data, size_t len)
{
    struct rule rule = {.when = "0"};
    char path[4096];
    const char *name = fd > STDERR_FILENO ? below_root(fd, path, sizeof(path)) : NULL;

    if (!name)
        return REAL(write)(fd, data, len);
    if (!find_rule(name, &rule))
        rule = (struct rule){.when = "0"};
    return write_attribute(&rule, fd, data, len);
}
