/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library that makes one call of a program fail, or kills the program at the call:
 *   VFA_FAULT=kill:N     SIGKILL instead of the N-th call that changes a file or lock
 *   VFA_FAULT=file:N     the N-th such call fails (EIO, ENOSPC for writes)
 *   VFA_FAULT=open:N     the N-th open of a file, for reading or writing, fails (EIO)
 *   VFA_FAULT=commit:N   the N-th call that would end a change of the state fails: the journal is
 *                        neither removed nor truncated (EIO)
 *   VFA_FAULT=memory:N   the N-th allocation fails
 *   VFA_FAULT=netlink:N  the N-th reply of rtnetlink is a refusal, see vfa_fault_netlink()
 * With N = 0 no call fails. VFA_FAULT_ONLY names the program that gets the fault, if several
 * programs inherit this library. At its end the program writes the number of its calls to
 * VFA_FAULT_COUNT. Calls of a library in place of the kernel (tests/kernel) do not count: the
 * kernel is not killed.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Kinds of calls, as bits. */
enum {
    FILES = 1 << 0,
    OPENS = 1 << 1,
    COMMITS = 1 << 2,
    MEMORY = 1 << 3,
    NETLINK = 1 << 4,
    UNLOCKS = 1 << 5, /* never fails: fcntl() has no reason to fail */
};

static const struct kind {
    const char *name;
    unsigned calls;
} kinds[] = {
    {"kill", FILES},     {"file", FILES},    {"open", OPENS},
    {"commit", COMMITS}, {"memory", MEMORY}, {"netlink", NETLINK},
};

static const struct kind *kind;
static unsigned long target, calls;

/* For the libraries in place of the kernel: true if this reply must be a refusal. */
int vfa_fault_netlink(void);

/* Compares the file of the program: the caller chooses argv[0]. */
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
    const char *text = getenv("VFA_FAULT");
    const char *colon = text ? strchr(text, ':') : NULL;

    if (!colon || !is_meant())
        return;
    target = strtoul(colon + 1, NULL, 10);
    calls = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(text, kinds[i].name, (size_t)(colon - text)) == 0)
            kind = &kinds[i];
    }
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("VFA_FAULT_COUNT");
    char text[32];
    int fd;

    if (!path || !kind)
        return;
    kind = NULL; /* later calls are not of the program itself */
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, (size_t)snprintf(text, sizeof(text), "%lu", calls)) < 0)
        abort();
    close(fd);
}

static int is_of_kernel(void *caller)
{
    Dl_info info;

    return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "/made-kernel.so");
}

/* True if this call must fail. */
static int due_of(unsigned call, void *caller)
{
    if (!kind || !(kind->calls & call) || is_of_kernel(caller) ||
        __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) != target)
        return 0;
    if (kind == &kinds[0])
        raise(SIGKILL);
    return 1;
}

#define due(call) due_of(call, __builtin_return_address(0))

int vfa_fault_netlink(void)
{
    return due_of(NETLINK, NULL); /* the kernel asks */
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

static unsigned opening(int flags)
{
    return OPENS | ((flags & O_ACCMODE) != O_RDONLY ? FILES : 0u);
}

#define OPENING(name, params, args)                                                                \
    int name params                                                                                \
    {                                                                                              \
        static int(*real) params;                                                                  \
        va_list list;                                                                              \
        int mode;                                                                                  \
                                                                                                   \
        va_start(list, flags);                                                                     \
        mode = flags & O_CREAT ? va_arg(list, int) : 0;                                            \
        va_end(list);                                                                              \
        if (!real)                                                                                 \
            real = (int(*) params)dlsym(RTLD_NEXT, #name);                                         \
        if (due(opening(flags))) {                                                                 \
            errno = EIO;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
        return real args;                                                                          \
    }

OPENING(open, (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPENING(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

#define FAILING(type, name, call, error, params, args)                                             \
    type name params                                                                               \
    {                                                                                              \
        static type(*real) params;                                                                 \
                                                                                                   \
        if (!real)                                                                                 \
            real = (type(*) params)dlsym(RTLD_NEXT, #name);                                        \
        if (due(call)) {                                                                           \
            errno = error;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
        return real args;                                                                          \
    }

FAILING(ssize_t, write, FILES, ENOSPC, (int fd, const void *buf, size_t n), (fd, buf, n))
FAILING(ssize_t, pwrite, FILES, ENOSPC, (int fd, const void *buf, size_t n, off_t at),
        (fd, buf, n, at))
FAILING(ssize_t, pwrite64, FILES, ENOSPC, (int fd, const void *buf, size_t n, off64_t at),
        (fd, buf, n, at))
FAILING(int, ftruncate, FILES | COMMITS, EIO, (int fd, off_t size), (fd, size))
FAILING(int, ftruncate64, FILES | COMMITS, EIO, (int fd, off64_t size), (fd, size))
FAILING(int, unlink, FILES | COMMITS, EIO, (const char *path), (path))
FAILING(int, rename, FILES, EIO, (const char *from, const char *to), (from, to))
FAILING(int, renameat, FILES, EIO, (int folder, const char *from, int other, const char *to),
        (folder, from, other, to))
FAILING(int, mkdirat, FILES, EIO, (int folder, const char *path, mode_t mode), (folder, path, mode))
FAILING(int, symlinkat, FILES, EIO, (const char *to, int folder, const char *path),
        (to, folder, path))
FAILING(int, unlinkat, FILES, EIO, (int folder, const char *path, int flags), (folder, path, flags))
/* Weak: a library in place of the kernel that is linked with this one (tests/soak) has its own. */
#pragma weak sendmsg
FAILING(ssize_t, sendmsg, FILES, EIO, (int fd, const struct msghdr *msg, int flags),
        (fd, msg, flags))

static int fcntl_with(const char *name, int fd, int cmd, void *arg, void *caller)
{
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);

    if ((cmd == F_SETLK || cmd == F_SETLKW) &&
        due_of(((const struct flock *)arg)->l_type == F_UNLCK ? UNLOCKS : FILES, caller)) {
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
    return fcntl_with("fcntl", fd, cmd, arg, __builtin_return_address(0));
}

int fcntl64(int fd, int cmd, ...)
{
    va_list args;
    void *arg;

    va_start(args, cmd);
    arg = va_arg(args, void *);
    va_end(args);
    return fcntl_with("fcntl64", fd, cmd, arg, __builtin_return_address(0));
}
