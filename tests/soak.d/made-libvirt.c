/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library: a libvirt whose domains are in the map (made.h): d1 to d255, all defined,
 * some active. A call about a domain waits for the lock of this domain, as in libvirt. The lock is
 * not released before the domain's hook has ended. So a program that holds the state file while it
 * calls libvirt never ends.
 *
 * The library has only the functions that `vfalias gc` and `vfalias release` use.
 */
#define _GNU_SOURCE
#include "made.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define URI "qemu:///system"

static char connection;
static char domains[MADE_DOMAINS][8]; /* names; a domain is the address of its name */
static virError error;

virConnectPtr virConnectOpen(const char *name)
{
    for (int i = 0; i < MADE_DOMAINS; i++)
        snprintf(domains[i], sizeof(domains[i]), "d%d", i);
    return (virConnectPtr)&connection;
}

int virConnectClose(virConnectPtr conn)
{
    return 0;
}

char *virConnectGetURI(virConnectPtr conn)
{
    return strdup(URI);
}

const char *virConnectGetType(virConnectPtr conn)
{
    return "QEMU";
}

int virConnectIsAlive(virConnectPtr conn)
{
    return 1;
}

static virDomainPtr find(unsigned long number)
{
    error = (virError){.code = VIR_ERR_OK};
    if (number >= 1 && number < MADE_DOMAINS)
        return (virDomainPtr)domains[number];
    error = (virError){
        .code = VIR_ERR_NO_DOMAIN, .level = VIR_ERR_ERROR, .message = (char *)"Domain not found"};
    return NULL;
}

virDomainPtr virDomainLookupByUUIDString(virConnectPtr conn, const char *uuid)
{
    return find(strlen(uuid) == 36 ? strtoul(uuid + 24, NULL, 10) : 0);
}

virDomainPtr virDomainLookupByName(virConnectPtr conn, const char *name)
{
    char *end;
    unsigned long number = name[0] == 'd' ? strtoul(name + 1, &end, 10) : 0;

    return find(number && !*end ? number : 0);
}

int virDomainFree(virDomainPtr domain)
{
    return 0;
}

const char *virDomainGetName(virDomainPtr domain)
{
    return (const char *)domain;
}

static int lock(int fd, short type, long number)
{
    struct flock what = {.l_type = type, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
    int r;

    do {
        r = fcntl(fd, F_OFD_SETLKW, &what);
    } while (r < 0 && errno == EINTR);
    return r;
}

int virDomainIsActive(virDomainPtr domain)
{
    long number = ((const char *)domain - domains[0]) / (long)sizeof(domains[0]);
    int fd = open(getenv("VFA_SOAK_LOCKS"), O_RDWR | O_CLOEXEC);
    int active;

    if (fd < 0 || lock(fd, F_RDLCK, number) < 0) {
        error = (virError){.code = VIR_ERR_SYSTEM_ERROR, .message = (char *)"cannot lock it"};
        if (fd >= 0)
            close(fd);
        return -1;
    }
    active = made_host()->active[number];
    close(fd);
    return active;
}

virErrorPtr virGetLastError(void)
{
    return &error;
}

int virGetLastErrorCode(void)
{
    return error.code;
}

const char *virGetLastErrorMessage(void)
{
    return error.message ? error.message : "no error";
}

virErrorPtr virSaveLastError(void)
{
    virErrorPtr copy = calloc(1, sizeof(*copy));

    if (copy && error.code != VIR_ERR_OK) {
        *copy = error;
        copy->message = strdup(error.message);
    }
    return copy;
}
