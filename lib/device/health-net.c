/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the host uses the network interfaces of a function, representors included: a
 * representor does not work without the function.
 *
 * Other network namespaces: the folder net/ shows only the interfaces in the reader's namespace,
 * but the folder exists while the function has an interface in any namespace. So a folder without
 * an interface of the function proves that all its interfaces are in other namespaces. A function
 * may have several interfaces (cxgb4 and mlx4: one per port) of which only some are in another
 * namespace. sysfs hides these, and vfa_health_check() cannot detect them. A function without any
 * interface, for example with a VFIO driver, has no folder.
 */

#include "base/common.h"
#include "base/pci-address.h"
#include "device.h"
#include "health.h"
#include "netdev.h"
#include "pci.h"
#include "private.h"
#include "sysfs.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

/* ---- one interface: a folder in net/ ---- */

/* Whether somebody assigned the address: the kernel generates link-local addresses itself. */
static bool is_given(const struct sockaddr *address)
{
    if (!address)
        return false;
    if (address->sa_family == AF_INET)
        return true;
    return address->sa_family == AF_INET6 &&
           !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static bool has_address(struct vfa_health_context *health_context, const char *netdev)
{
    if (!health_context->asked && getifaddrs(&health_context->addresses) < 0)
        health_context->addresses = NULL;
    health_context->asked = true;
    for (const struct ifaddrs *i = health_context->addresses; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, netdev) == 0 && is_given(i->ifa_addr))
            return true;
    }
    return false;
}

static bool is_enslaved(int netfd, const char *netdev, char *master, size_t size)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/master", netdev);
    return vfa_sysfs_link(netfd, path, master, size) == 0;
}

/* Whether a macvtap or another device is on top of it: a guest or a program uses that device. */
static bool has_upper(int netfd, const char *netdev, char *upper, size_t size)
{
    static const char prefix[] = "upper_";
    const struct dirent *entry;
    bool found = false;
    int fd = vfa_sysfs_opendir(netfd, netdev);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        vfa_closep(&fd);
        return false;
    }
    while (!found && (entry = readdir(dir))) {
        found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        if (found)
            snprintf(upper, size, "%.*s", (int)size - 1, entry->d_name + strlen(prefix));
    }
    closedir(dir);
    return found;
}

/* False: the flags cannot be read. The interface then counts neither as up nor as down. */
static bool read_flags(int netfd, const char *netdev, uint32_t *ret)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/flags", netdev);
    return vfa_sysfs_read_hex(netfd, path, ret) == 0;
}

static bool is_up(int netfd, const char *netdev)
{
    uint32_t flags;

    return read_flags(netfd, netdev, &flags) && (flags & IFF_UP);
}

static void check_host_netdev(struct vfa_health_context *health_context, int netfd,
                              const char *netdev, struct vfa_finding *ret)
{
    char other[IF_NAMESIZE + 1];

    if (is_enslaved(netfd, netdev, other, sizeof(other)))
        vfa_health_report_fault(ret, VFA_HEALTH_NETDEV, "%s belongs to %s", netdev, other);
    else if (has_upper(netfd, netdev, other, sizeof(other)))
        vfa_health_report_fault(ret, VFA_HEALTH_NETDEV, "%s has %s on it", netdev, other);
    else if (is_up(netfd, netdev) && vfa_sysfs_is_host(health_context->sysfs) &&
             has_address(health_context, netdev))
        vfa_health_report_fault(ret, VFA_HEALTH_NETDEV, "%s is up and has an address", netdev);
}

/* ---- all interfaces of a function ---- */

void vfa_health_netdevs(struct vfa_health_context *health_context, const struct vfa_device *dev,
                        int dirfd, struct vfa_finding *ret)
{
    const struct dirent *entry;
    char name[IF_NAMESIZE];
    int fd = vfa_sysfs_opendir(dirfd, "net");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        vfa_closep(&fd);
        return;
    }
    while (ret->fault == VFA_HEALTH_NONE && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(name))
            continue;
        strcpy(name, entry->d_name);
        check_host_netdev(health_context, fd, name, ret);
    }
    closedir(dir);
    if (ret->fault == VFA_HEALTH_NONE && !dev->netdev)
        vfa_health_report_fault(ret, VFA_HEALTH_NETDEV,
                                "its netdev is in another network namespace");
}

/* Whether the interface of the PF with the folder pf_fd is down. Writes its name to netdev. */
static bool is_down(int pf_fd, char netdev[IF_NAMESIZE])
{
    VFA_AUTO(vfa_closep) int netfd = vfa_sysfs_opendir(pf_fd, "net");
    uint32_t flags;

    return netfd >= 0 && vfa_netdev_own(pf_fd, netdev, IF_NAMESIZE) == 0 &&
           read_flags(netfd, netdev, &flags) && !(flags & IFF_UP);
}

void vfa_health_pf(int dirfd, struct vfa_finding *ret)
{
    VFA_AUTO(vfa_closep) int pf_fd = vfa_sysfs_opendir(dirfd, "physfn");
    char netdev[IF_NAMESIZE];

    if (pf_fd >= 0 && is_down(pf_fd, netdev))
        vfa_health_report_fault(ret, VFA_HEALTH_PF_DOWN, "%s is down", netdev);
}

bool vfa_health_pf_is_down(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *pf)
{
    VFA_AUTO(vfa_closep) int fd = vfa_pci_open(sysfs, pf);
    char netdev[IF_NAMESIZE];

    return fd >= 0 && is_down(fd, netdev);
}
