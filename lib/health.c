/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See health.h. What vanishes while it is looked at is not in use. */
#include "health.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#define NETWORK_CLASS 0x02   /* base class */
#define PCI_BRIDGE    0x0604 /* class and subclass */

void vfa_checkup_clear(struct vfa_checkup *checkup)
{
    if (checkup->addresses)
        freeifaddrs(checkup->addresses);
    checkup->addresses = NULL;
    checkup->asked = false;
}

static VFA_PRINTF(3, 4) void object(struct vfa_health *health, enum vfa_drop drop, const char *fmt,
                                    ...)
{
    va_list args;

    health->drop = drop;
    va_start(args, fmt);
    vsnprintf(health->detail, sizeof(health->detail), fmt, args);
    va_end(args);
}

/* ---- the netdev ---- */

/* An address that somebody gave it: the kernel itself makes link-local ones. */
static bool is_given(const struct sockaddr *address)
{
    if (!address)
        return false;
    if (address->sa_family == AF_INET)
        return true;
    return address->sa_family == AF_INET6 &&
           !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static bool has_address(struct vfa_checkup *checkup, const char *netdev)
{
    if (!checkup->asked && getifaddrs(&checkup->addresses) < 0)
        checkup->addresses = NULL;
    checkup->asked = true;
    for (const struct ifaddrs *i = checkup->addresses; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, netdev) == 0 && is_given(i->ifa_addr))
            return true;
    }
    return false;
}

static bool is_enslaved(int dirfd, const char *netdev, char *master, size_t size)
{
    char path[64];

    snprintf(path, sizeof(path), "net/%s/master", netdev);
    return vfa_sysfs_link(dirfd, path, master, size) == 0;
}

/* A macvtap or the like on top of it, which some guest or program uses. */
static bool has_upper(int dirfd, const char *netdev, char *upper, size_t size)
{
    static const char prefix[] = "upper_";
    const struct dirent *entry;
    bool found = false;
    char path[64];
    DIR *dir;
    int fd;

    snprintf(path, sizeof(path), "net/%s", netdev);
    fd = vfa_sysfs_opendir(dirfd, path);
    dir = fd < 0 ? NULL : fdopendir(fd);
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

static bool is_up(int dirfd, const char *netdev)
{
    char path[64];
    uint32_t flags;

    snprintf(path, sizeof(path), "net/%s/flags", netdev);
    return vfa_sysfs_read_hex(dirfd, path, &flags) == 0 && (flags & IFF_UP);
}

/* A netdev of another network namespace leaves an empty folder behind for everybody else. */
static bool is_elsewhere(int dirfd)
{
    char name[IF_NAMESIZE + 1];
    VFA_AUTO(vfa_closep) int fd = vfa_sysfs_opendir(dirfd, "net");

    return fd >= 0 && vfa_sysfs_first_entry(dirfd, "net", name, sizeof(name)) == VFA_SYSFS_GONE;
}

static void check_netdev(struct vfa_checkup *checkup, const struct vfa_device *dev, int dirfd,
                         struct vfa_health *ret)
{
    char master[IF_NAMESIZE + 1];

    if (!dev->netdev) {
        if (is_elsewhere(dirfd))
            object(ret, VFA_DROP_NETDEV, "its netdev is in another network namespace");
    } else if (is_enslaved(dirfd, dev->netdev, master, sizeof(master))) {
        object(ret, VFA_DROP_NETDEV, "%s belongs to %s", dev->netdev, master);
    } else if (has_upper(dirfd, dev->netdev, master, sizeof(master))) {
        object(ret, VFA_DROP_NETDEV, "%s has %s on it", dev->netdev, master);
    } else if (is_up(dirfd, dev->netdev) && vfa_sysfs_is_host(checkup->sysfs) &&
               has_address(checkup, dev->netdev)) {
        object(ret, VFA_DROP_NETDEV, "%s is up and has an address", dev->netdev);
    }
}

/* ---- what is made of it ---- */

static void check_offspring(int dirfd, const char *folder, struct vfa_health *ret);

/* vDPA devices have names that somebody gave them: it is their bus that tells. Some drivers make
 * them of a part of the device (an auxiliary device), such as a subfunction. */
static void check_child(int dirfd, const char *name, struct vfa_health *ret)
{
    char path[NAME_MAX + sizeof("/subsystem")], bus[16];

    snprintf(path, sizeof(path), "%s/subsystem", name);
    if (vfa_sysfs_link(dirfd, path, bus, sizeof(bus)) != 0)
        return;
    if (strcmp(bus, "vdpa") == 0)
        object(ret, VFA_DROP_OFFSPRING, "vDPA device %s is made of it", name);
    else if (strcmp(bus, "mdev") == 0)
        object(ret, VFA_DROP_OFFSPRING, "mediated device %s is made of it", name);
    else if (strcmp(bus, "auxiliary") == 0)
        check_offspring(dirfd, name, ret);
}

static void check_offspring(int dirfd, const char *folder, struct vfa_health *ret)
{
    const struct dirent *entry;
    int fd = vfa_sysfs_opendir(dirfd, folder);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        vfa_closep(&fd);
        return;
    }
    while (ret->drop == VFA_DROP_NONE && (entry = readdir(dir))) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            check_child(fd, entry->d_name, ret);
    }
    closedir(dir);
}

static void check_device(struct vfa_checkup *checkup, const struct vfa_device *dev,
                         struct vfa_health *ret)
{
    char path[64], address[VFA_PCI_ADDR_SIZE];
    VFA_AUTO(vfa_closep) int dirfd = -1;

    snprintf(path, sizeof(path), "bus/pci/devices/%s", vfa_pci_addr_format(&dev->addr, address));
    dirfd = vfa_sysfs_opendir(checkup->sysfs->rootfd, path);
    if (dirfd >= 0 && dev->class >> 16 == NETWORK_CLASS)
        check_netdev(checkup, dev, dirfd, ret);
    if (dirfd >= 0 && ret->drop == VFA_DROP_NONE)
        check_offspring(dirfd, ".", ret);
}

/* ---- the IOMMU group ---- */

/* What the kernel lets live beside a device that a guest has. */
static bool is_harmless(const struct vfa_device *dev)
{
    return !dev->driver || dev->class >> 8 == PCI_BRIDGE || strstr(dev->driver, "vfio") ||
           strcmp(dev->driver, "pci-stub") == 0;
}

static int check_member(const struct vfa_sysfs *sysfs, const struct vfa_device *dev,
                        const char *name, struct vfa_health *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device member = {0};
    struct vfa_pci_addr addr;
    int r;

    if (vfa_parse_pci_addr(name, &addr) < 0 || vfa_pci_addr_compare(&addr, &dev->addr) == 0)
        return 0;
    r = vfa_inventory_read(sysfs, &addr, &member, err);
    if (r == 0 && !is_harmless(&member))
        object(ret, VFA_DROP_GROUP, "%s of group %d is bound to %s", name, dev->iommu_group,
               member.driver);
    return r < 0 ? r : 0;
}

static int check_group(const struct vfa_sysfs *sysfs, const struct vfa_device *dev,
                       struct vfa_health *ret, struct vfa_error *err)
{
    const struct dirent *entry;
    char path[64];
    DIR *dir;
    int fd, r = 0;

    if (dev->iommu_group < 0) {
        object(ret, VFA_DROP_GROUP, "no group: is the IOMMU switched on?");
        return 0;
    }
    snprintf(path, sizeof(path), "kernel/iommu_groups/%d/devices", dev->iommu_group);
    fd = vfa_sysfs_opendir(sysfs->rootfd, path);
    if (fd < 0)
        return 0;
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return vfa_fail_oom(err);
    }
    while (r == 0 && ret->drop == VFA_DROP_NONE && (entry = readdir(dir)))
        r = check_member(sysfs, dev, entry->d_name, ret, err);
    closedir(dir);
    return r;
}

int vfa_health_check(struct vfa_checkup *checkup, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err)
{
    struct vfa_health health = {.drop = VFA_DROP_NONE};
    int r = 0;

    check_device(checkup, dev, &health);
    if (health.drop == VFA_DROP_NONE)
        r = check_group(checkup->sysfs, dev, &health, err);
    if (r == 0)
        *ret = health;
    return r;
}
