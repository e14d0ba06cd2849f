/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library that makes one call of a program fail, or kills the program there:
 *   VFA_FAULT=kill:N    SIGKILL instead of the N-th call that changes a file or lock
 *   VFA_FAULT=file:N    the N-th such call fails (EIO, ENOSPC for writes)
 *   VFA_FAULT=memory:N  the N-th allocation fails
 * With N = 0 nothing fails. VFA_FAULT_ONLY names the one program to do that to, of several that
 * inherit this. At its end the program writes how many calls there were to
 * VFA_FAULT_COUNT.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { NONE, KILL, FILES, MEMORY };

static enum kind kind;
static unsigned long target, calls;

/* By its file: what a program is called is up to who calls it. */
static int is_meant(void)
{
    const char *only = getenv("VFA_FAULT_ONLY");
    char path[4096];
    ssize_t n = only ? readlink("/proc/self/exe", path, sizeof(path) - 1) : -1;

    if (n < 0)
        return !only;
    path[n] = '\0';
    return strcmp(strrchr(path, '/') + 1, only) == 0;
}

__attribute__((constructor)) static void begin(void)
{
    static const char *const names[] = {"", "kill", "file", "memory"};
    const char *text = getenv("VFA_FAULT");
    const char *colon = text ? strchr(text, ':') : NULL;

    if (!colon || !is_meant())
        return;
    target = strtoul(colon + 1, NULL, 10);
    for (int i = 1; i < 4; i++) {
        if (strncmp(text, names[i], (size_t)(colon - text)) == 0)
            kind = (enum kind)i;
    }
    calls = 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("VFA_FAULT_COUNT");
    char text[32];
    int fd;

    if (!path || kind == NONE)
        return;
    kind = NONE; /* what follows is not the program's */
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, (size_t)snprintf(text, sizeof(text), "%lu", calls)) < 0)
        abort();
    close(fd);
}

/* True if this call is to fail. */
static int due(enum kind of)
{
    if (kind == NONE || (kind == MEMORY) != (of == MEMORY) ||
        __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) != target)
        return 0;
    if (kind == KILL)
        raise(SIGKILL);
    return 1;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

void *malloc(size_t size)
{
    static void *(*real)(size_t);

    if (!real)
        real = REAL(malloc);
    if (due(MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return real(size);
}

void *realloc(void *old, size_t size)
{
    static void *(*real)(void *, size_t);

    if (!real)
        real = REAL(realloc);
    if (due(MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return real(old, size);
}

static int open_mode(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, int) : 0;
}

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list args;
    int mode;

    va_start(args, flags);
    mode = open_mode(flags, args);
    va_end(args);
    if (!real)
        real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    if ((flags & O_ACCMODE) != O_RDONLY && due(FILES)) {
        errno = EIO;
        return -1;
    }
    return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list args;
    int mode;

    va_start(args, flags);
    mode = open_mode(flags, args);
    va_end(args);
    if (!real)
        real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    if ((flags & O_ACCMODE) != O_RDONLY && due(FILES)) {
        errno = EIO;
        return -1;
    }
    return real(path, flags, mode);
}

#define FAILING(type, name, error, params, args)                                                   \
    type name params                                                                               \
    {                                                                                              \
        static type(*real) params;                                                                 \
                                                                                                   \
        if (!real)                                                                                 \
            real = (type(*) params)dlsym(RTLD_NEXT, #name);                                        \
        if (due(FILES)) {                                                                          \
            errno = error;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
        return real args;                                                                          \
    }

FAILING(ssize_t, write, ENOSPC, (int fd, const void *buf, size_t n), (fd, buf, n))
FAILING(ssize_t, pwrite, ENOSPC, (int fd, const void *buf, size_t n, off_t at), (fd, buf, n, at))
FAILING(ssize_t, pwrite64, ENOSPC, (int fd, const void *buf, size_t n, off64_t at),
        (fd, buf, n, at))
FAILING(int, ftruncate, EIO, (int fd, off_t size), (fd, size))
FAILING(int, ftruncate64, EIO, (int fd, off64_t size), (fd, size))
FAILING(int, unlink, EIO, (const char *path), (path))
FAILING(int, rename, EIO, (const char *from, const char *to), (from, to))

static int fcntl_with(const char *name, int fd, int cmd, void *arg)
{
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);

    if ((cmd == F_SETLK || cmd == F_SETLKW) && due(FILES)) {
        errno = EIO;
        return -1;
    }
    return real(fd, cmd, arg);
}

int fcntl(int fd, int cmd, ...)
{
    va_list args;
    void *arg;

    va_start(args, cmd);
    arg = va_arg(args, void *);
    va_end(args);
    return fcntl_with("fcntl", fd, cmd, arg);
}

int fcntl64(int fd, int cmd, ...)
{
    va_list args;
    void *arg;

    va_start(args, cmd);
    arg = va_arg(args, void *);
    va_end(args);
    return fcntl_with("fcntl64", fd, cmd, arg);
}
