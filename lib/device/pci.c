/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See pci.h. This file reads sysfs directly, without libpci: libpci calls its error callback, which
 * exits, if a VF vanishes during a read, and it opens files without O_CLOEXEC.
 */

#include "pci.h"

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "device.h"
#include "netdev.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#define DEVICES_DIR "bus/pci/devices"

/* Reads the last component of an optional link. *ret stays NULL if the link does not exist. */
static int read_link_name(int dirfd, const char *name, char **ret)
{
    char buf[256];
    int r = vfa_sysfs_link(dirfd, name, buf, sizeof(buf));

    if (r == VFA_SYSFS_GONE)
        return 0;
    if (r < 0)
        return r;
    *ret = strdup(buf);
    return *ret ? 0 : -ENOMEM;
}

static int read_sriov_type(int dirfd, struct vfa_device *dev)
{
    char buf[VFA_PCI_ADDR_SIZE];
    uint32_t total = 0;
    int r = vfa_sysfs_link(dirfd, "physfn", buf, sizeof(buf));

    if (r == 0) {
        dev->type = VFA_TYPE_VF;
        return vfa_parse_pci_addr(buf, &dev->parent);
    }
    if (r < 0)
        return r;
    dev->type = VFA_TYPE_PCI;
    r = vfa_sysfs_read(dirfd, "sriov_totalvfs", buf, sizeof(buf));
    if (r == 0)
        r = vfa_parse_u32(buf, UINT16_MAX, &total);
    if (r < 0)
        return r;
    if (total > 0)
        dev->type = VFA_TYPE_PF;
    return 0;
}

static int read_ids(int dirfd, struct vfa_device *dev)
{
    uint32_t vendor, product;
    int r = vfa_sysfs_read_hex(dirfd, "vendor", &vendor);

    if (r == 0)
        r = vfa_sysfs_read_hex(dirfd, "device", &product);
    if (r == 0)
        r = vfa_sysfs_read_hex(dirfd, "class", &dev->class);
    if (r)
        return r;
    dev->vendor = (uint16_t)vendor;
    dev->product = (uint16_t)product;
    return 0;
}

static int read_netdev(int dirfd, struct vfa_device *dev)
{
    char name[IF_NAMESIZE];
    int r = vfa_netdev_own(dirfd, name, sizeof(name));

    if (r == 0) {
        dev->netdev = strdup(name);
        r = dev->netdev ? 0 : -ENOMEM;
    }
    return r == VFA_SYSFS_GONE ? 0 : r;
}

static int read_rest(int dirfd, struct vfa_device *dev)
{
    char buf[32];
    uint32_t group;
    int r;

    dev->numa_node = -1;
    dev->iommu_group = -1;
    r = vfa_sysfs_read_int(dirfd, "numa_node", &dev->numa_node);
    if (r < 0)
        return r;
    r = vfa_sysfs_link(dirfd, "iommu_group", buf, sizeof(buf));
    if (r == 0) {
        r = vfa_parse_u32(buf, INT32_MAX, &group);
        if (r == 0)
            dev->iommu_group = (int)group;
    }
    if (r < 0)
        return r;
    r = read_link_name(dirfd, "driver", &dev->driver);
    return r == 0 ? read_netdev(dirfd, dev) : r;
}

/* Returns 0, VFA_SYSFS_GONE or a negative errno; *dev is cleared unless 0. */
static int read_pci_device(int devicesfd, const char *name, struct vfa_device *dev)
{
    VFA_AUTO(vfa_closep) int dirfd = vfa_sysfs_opendir(devicesfd, name);
    int r;

    memset(dev, 0, sizeof(*dev));
    if (dirfd < 0)
        return errno == ENOENT || errno == ENODEV ? VFA_SYSFS_GONE : -errno;
    r = vfa_parse_pci_addr(name, &dev->addr);
    vfa_pci_addr_format(&dev->addr, dev->id);
    if (r == 0)
        r = read_ids(dirfd, dev);
    if (r == 0)
        r = read_sriov_type(dirfd, dev);
    if (r == 0)
        r = read_rest(dirfd, dev);
    if (r)
        vfa_device_clear(dev);
    return r;
}

static int add_pci_device(int devicesfd, const char *name, struct vfa_device_list *list)
{
    struct vfa_device *dev = vfa_device_list_add(list);
    int r;

    if (!dev)
        return -ENOMEM;
    r = read_pci_device(devicesfd, name, dev);
    if (r == 0)
        return 0;
    list->n--; /* the device is cleared */
    return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EACCES ? r : 0;
}

static int scan_dir(DIR *dir, struct vfa_device_list *list)
{
    const struct dirent *entry;
    int r = 0;

    while (r == 0 && (errno = 0, entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            r = add_pci_device(dirfd(dir), entry->d_name, list);
    }
    return r == 0 ? -errno : r;
}

static int scan_devices(const struct vfa_sysfs *sysfs, struct vfa_device_list *list)
{
    int fd = vfa_sysfs_opendir(sysfs->rootfd, DEVICES_DIR);
    DIR *dir;
    int r;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno; /* a machine without PCI lacks the folder */
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -ENOMEM;
    }
    r = scan_dir(dir, list);
    closedir(dir);
    return r;
}

bool vfa_pci_has_id(const char *id)
{
    struct vfa_pci_addr addr;

    return vfa_parse_pci_addr(id, &addr) == 0;
}

int vfa_pci_scan(const struct vfa_sysfs *sysfs, struct vfa_device_list *list, struct vfa_error *err)
{
    int r = scan_devices(sysfs, list);

    return r < 0 ? vfa_fail(err, -r, "cannot read '%s': %s", DEVICES_DIR, strerror(-r)) : 0;
}

int vfa_pci_read_id(const struct vfa_sysfs *sysfs, const char *id, struct vfa_device *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = vfa_sysfs_opendir(sysfs->rootfd, DEVICES_DIR);
    int r;

    if (fd < 0 && errno == ENOENT)
        return VFA_SYSFS_GONE;
    if (fd < 0)
        return vfa_fail(err, errno, "cannot open '%s': %s", DEVICES_DIR, strerror(errno));
    r = read_pci_device(fd, id, ret);
    if (r < 0)
        return vfa_fail(err, -r, "cannot read device '%s': %s", id, strerror(-r));
    return r;
}

int vfa_pci_read(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                 struct vfa_device *ret, struct vfa_error *err)
{
    char id[VFA_PCI_ADDR_SIZE];

    return vfa_pci_read_id(sysfs, vfa_pci_addr_format(addr, id), ret, err);
}

int vfa_pci_open(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr)
{
    char path[sizeof(DEVICES_DIR "/") + VFA_PCI_ADDR_SIZE], address[VFA_PCI_ADDR_SIZE];

    snprintf(path, sizeof(path), DEVICES_DIR "/%s", vfa_pci_addr_format(addr, address));
    return vfa_sysfs_opendir(sysfs->rootfd, path);
}

int vfa_pci_of_netdev(const struct vfa_sysfs *sysfs, const char *netdev, struct vfa_pci_addr *ret,
                      struct vfa_error *err)
{
    char path[64], name[VFA_PCI_ADDR_SIZE];
    int r;

    if (!vfa_netdev_name_ok(netdev))
        return VFA_SYSFS_GONE;
    snprintf(path, sizeof(path), "class/net/%s/device", netdev);
    r = vfa_sysfs_link(sysfs->rootfd, path, name, sizeof(name));
    if (r == -EOVERFLOW || (r == 0 && vfa_parse_pci_addr(name, ret) < 0))
        return VFA_SYSFS_GONE; /* a device of another bus */
    return r < 0 ? vfa_fail(err, -r, "cannot read netdev '%s': %s", netdev, strerror(-r)) : r;
}
