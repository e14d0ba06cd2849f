/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See health.h. A device or interface that vanishes during the check is not in use. */

#include "health.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device.h"
#include "disk-use.h"
#include "driver.h"
#include "inventory.h"
#include "pci.h"
#include "private.h"
#include "sysfs.h"
#include "vfio-use.h"

#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <string.h>

#define PCI_BRIDGE 0x0604 /* class and subclass */

void vfa_health_context_clear(struct vfa_health_context *health_context)
{
    if (health_context->addresses)
        freeifaddrs(health_context->addresses);
    health_context->addresses = NULL;
    health_context->asked = false;
    vfa_disks_clear(&health_context->disks);
    vfa_vfio_files_clear(&health_context->vfio);
}

/* ---- child devices: vDPA, mediated devices ---- */

static void check_offspring(int dirfd, const char *folder, struct vfa_finding *ret);

/* The bus identifies a vDPA or mediated device, because users choose the names of vDPA devices.
 * Some drivers make vDPA devices from a part of the device (an auxiliary device), such as a
 * subfunction. */
static void check_child(int dirfd, const char *name, struct vfa_finding *ret)
{
    char path[NAME_MAX + sizeof("/subsystem")], bus[16];

    snprintf(path, sizeof(path), "%s/subsystem", name);
    if (vfa_sysfs_link(dirfd, path, bus, sizeof(bus)) != 0)
        return;
    if (strcmp(bus, "vdpa") == 0)
        vfa_health_report_fault(ret, VFA_HEALTH_CHILDREN, "vDPA device %s is made of it", name);
    else if (strcmp(bus, "mdev") == 0)
        vfa_health_report_fault(ret, VFA_HEALTH_CHILDREN, "mediated device %s is made of it", name);
    else if (strcmp(bus, "auxiliary") == 0)
        check_offspring(dirfd, name, ret);
}

static void check_offspring(int dirfd, const char *folder, struct vfa_finding *ret)
{
    const struct dirent *entry;
    int fd = vfa_sysfs_opendir(dirfd, folder);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        vfa_closep(&fd);
        return;
    }
    while (ret->fault == VFA_HEALTH_NONE && (entry = readdir(dir))) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            check_child(fd, entry->d_name, ret);
    }
    closedir(dir);
}

/* ---- disks ---- */

/* A device without a driver has no disks, nor has a VF of a network card. */
static int check_disks(struct vfa_health_context *health_context, const struct vfa_device *dev,
                       const char *address, struct vfa_finding *ret, struct vfa_error *err)
{
    char detail[sizeof(ret->detail)] = "";
    int r;

    if (!dev->driver || (dev->type == VFA_TYPE_VF && dev->class >> 16 == VFA_CLASS_NETWORK))
        return 0;
    r = vfa_disks_find(&health_context->disks, health_context->sysfs, address, detail,
                       sizeof(detail), err);
    if (r == 0 && *detail)
        vfa_health_report_fault(ret, VFA_HEALTH_DISK, "%s", detail);
    return r;
}

/* ---- all uses by the host ---- */

static int check_vfs_of_pf(struct vfa_health_context *health_context, int dirfd,
                           struct vfa_finding *ret, struct vfa_error *err)
{
    char detail[sizeof(ret->detail)];
    int r = vfa_health_vfs(health_context, dirfd, detail, sizeof(detail), err);

    if (r == 0 && *detail)
        vfa_health_report_fault(ret, VFA_HEALTH_VF, "%s", detail);
    return r;
}

/* Checks in the order of enum vfa_health_fault; stops at the first fault. */
static int check_host_use(struct vfa_health_context *health_context, const struct vfa_device *dev,
                          int dirfd, struct vfa_finding *ret, struct vfa_error *err)
{
    char address[VFA_PCI_ADDR_SIZE];
    int r = 0;

    if (dev->class >> 16 == VFA_CLASS_NETWORK)
        vfa_health_netdevs(health_context, dev, dirfd, ret);
    if (ret->fault == VFA_HEALTH_NONE && dev->type != VFA_TYPE_VF)
        r = check_vfs_of_pf(health_context, dirfd, ret, err);
    if (r == 0 && ret->fault == VFA_HEALTH_NONE)
        check_offspring(dirfd, ".", ret);
    if (r == 0 && ret->fault == VFA_HEALTH_NONE)
        r = check_disks(health_context, dev, vfa_pci_addr_format(&dev->addr, address), ret, err);
    return r;
}

/* ---- the VFs of a PF ---- */

static int check_vf(struct vfa_health_context *health_context, const char *address, char *ret,
                    size_t size, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device vf = {0};
    struct vfa_finding use = {.fault = VFA_HEALTH_NONE};
    struct vfa_pci_addr addr;
    VFA_AUTO(vfa_closep) int fd = -1;
    int r = VFA_SYSFS_GONE;

    if (vfa_parse_pci_addr(address, &addr) == 0)
        r = vfa_pci_read(health_context->sysfs, &addr, &vf, err);
    if (r != 0)
        return r < 0 ? r : 0; /* the VF vanished */
    fd = vfa_pci_open(health_context->sysfs, &vf.addr);
    if (vfa_driver_gives_away(vf.driver) || (fd >= 0 && vfa_driver_has_vfio(fd, vf.driver))) {
        snprintf(ret, size, "%s is bound to %.40s", address, vf.driver);
        return 0;
    }
    r = fd < 0 ? 0 : check_host_use(health_context, &vf, fd, &use, err);
    if (r == 0 && use.fault != VFA_HEALTH_NONE)
        snprintf(ret, size, "%s: %.120s", address, use.detail);
    return r;
}

int vfa_health_vfs(struct vfa_health_context *health_context, int pf_fd, char *ret, size_t size,
                   struct vfa_error *err)
{
    *ret = '\0';
    for (unsigned i = 0; !*ret; i++) {
        char link[sizeof("virtfn") + 10], address[VFA_PCI_ADDR_SIZE];
        int r;

        snprintf(link, sizeof(link), "virtfn%u", i);
        if (vfa_sysfs_link(pf_fd, link, address, sizeof(address)) != 0)
            break; /* the kernel numbers virtfnN without gaps */
        r = check_vf(health_context, address, ret, size, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the IOMMU group ---- */

/* Whether the kernel allows the device in the IOMMU group of a guest's device. */
static bool is_harmless(const struct vfa_sysfs *sysfs, const struct vfa_device *dev)
{
    VFA_AUTO(vfa_closep) int fd = -1;

    if (dev->class >> 8 == PCI_BRIDGE || vfa_driver_shares_group(dev->driver))
        return true;
    fd = vfa_pci_open(sysfs, &dev->addr);
    return fd >= 0 && vfa_driver_has_vfio(fd, dev->driver);
}

static int check_member(const struct vfa_sysfs *sysfs, const struct vfa_device *dev,
                        const char *name, struct vfa_finding *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device member = {0};
    struct vfa_pci_addr addr;
    int r;

    if (vfa_parse_pci_addr(name, &addr) < 0 || vfa_pci_addr_compare(&addr, &dev->addr) == 0)
        return 0;
    r = vfa_pci_read(sysfs, &addr, &member, err);
    if (r == 0 && !is_harmless(sysfs, &member))
        vfa_health_report_fault(ret, VFA_HEALTH_GROUP, "%s of group %d is bound to %s", name,
                                dev->iommu_group, member.driver);
    return r < 0 ? r : 0;
}

static int check_group(const struct vfa_sysfs *sysfs, const struct vfa_device *dev,
                       struct vfa_finding *ret, struct vfa_error *err)
{
    const struct dirent *entry;
    char path[64];
    DIR *dir;
    int fd, r = 0;

    if (dev->iommu_group < 0) {
        vfa_health_report_fault(ret, VFA_HEALTH_GROUP, "no group: is the IOMMU switched on?");
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
    while (r == 0 && ret->fault == VFA_HEALTH_NONE && (entry = readdir(dir)))
        r = check_member(sysfs, dev, entry->d_name, ret, err);
    closedir(dir);
    return r;
}

int vfa_health_check(struct vfa_health_context *health_context, const struct vfa_device *dev,
                     struct vfa_health *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int dirfd = vfa_pci_open(health_context->sysfs, &dev->addr);
    struct vfa_health health = {.use = {.fault = VFA_HEALTH_NONE}};
    int r = dirfd < 0 ? 0 : check_host_use(health_context, dev, dirfd, &health.use, err);

    health.vfio = dirfd >= 0 && vfa_driver_has_vfio(dirfd, dev->driver);
    if (dirfd >= 0 && dev->type == VFA_TYPE_VF && dev->class >> 16 == VFA_CLASS_NETWORK)
        vfa_health_pf(dirfd, &health.pf);
    if (r == 0)
        r = check_group(health_context->sysfs, dev, &health.group, err);
    if (r == 0)
        *ret = health;
    return r;
}

int vfa_health_held(struct vfa_health_context *health_context, const struct vfa_device *dev,
                    struct vfa_finding *ret, struct vfa_error *err)
{
    struct vfa_finding held = {.fault = VFA_HEALTH_NONE};
    int r = vfa_vfio_find(&health_context->vfio, health_context->sysfs, dev, held.detail,
                          sizeof(held.detail), err);

    if (r < 0)
        return r;
    if (held.detail[0])
        held.fault = VFA_HEALTH_HELD;
    *ret = held;
    return 0;
}
