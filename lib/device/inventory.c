/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See inventory.h. This file reads sysfs directly, without libpci: libpci calls its error callback,
 * which exits, if a VF vanishes during a read, and it opens files without O_CLOEXEC.
 *
 * Invariant: the snapshot is sorted by address and has each address once.
 */

#include "inventory.h"

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "netdev.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define DEVICES_DIR "bus/pci/devices"

const char *vfa_dev_type_name(enum vfa_dev_type type)
{
    switch (type) {
    case VFA_TYPE_PF:
        return "type-PF";
    case VFA_TYPE_VF:
        return "type-VF";
    case VFA_TYPE_PCI:
        break;
    }
    return "type-PCI";
}

void vfa_device_clear(struct vfa_device *dev)
{
    free(dev->netdev);
    free(dev->driver);
    memset(dev, 0, sizeof(*dev));
}

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

static int compare_devices(const void *a, const void *b)
{
    const struct vfa_device *x = a, *y = b;

    return vfa_pci_addr_compare(&x->addr, &y->addr);
}

static struct vfa_device *find_device(const struct vfa_inventory *inv,
                                      const struct vfa_pci_addr *addr)
{
    struct vfa_device key = {.addr = *addr};

    if (inv->n == 0)
        return NULL;
    return bsearch(&key, inv->devices, inv->n, sizeof(key), compare_devices);
}

/* sriov_totalvfs may be missing or 0 although VFs exist: the physfn of a VF is always a PF. */
static void mark_parents(struct vfa_inventory *inv)
{
    for (size_t i = 0; i < inv->n; i++) {
        struct vfa_device *pf;

        if (inv->devices[i].type != VFA_TYPE_VF)
            continue;
        pf = find_device(inv, &inv->devices[i].parent);
        if (pf && pf->type == VFA_TYPE_PCI)
            pf->type = VFA_TYPE_PF;
    }
}

static int scan_dir(DIR *dir, struct vfa_inventory *inv)
{
    const struct dirent *entry;
    size_t room = 0;

    while ((errno = 0, entry = readdir(dir))) {
        int r;

        if (entry->d_name[0] == '.')
            continue;
        if (inv->n == room) {
            struct vfa_device *more;

            room = room ? room * 2 : 64;
            more = realloc(inv->devices, room * sizeof(*more));
            if (!more)
                return -ENOMEM;
            inv->devices = more;
        }
        r = read_pci_device(dirfd(dir), entry->d_name, &inv->devices[inv->n]);
        if (r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EACCES)
            return r;
        if (r == 0)
            inv->n++; /* an entry that cannot be parsed is left out */
    }
    return -errno;
}

static int scan_devices(const struct vfa_sysfs *sysfs, struct vfa_inventory *inv)
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
    r = scan_dir(dir, inv);
    closedir(dir);
    return r;
}

int64_t vfa_inventory_clock(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int vfa_inventory_scan(const struct vfa_sysfs *sysfs, struct vfa_inventory **ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = NULL;
    int r;

    inv = calloc(1, sizeof(*inv));
    if (!inv)
        return vfa_fail_oom(err);
    inv->scanned = vfa_inventory_clock();
    r = scan_devices(sysfs, inv);
    if (r < 0)
        return vfa_fail(err, -r, "cannot read '%s': %s", DEVICES_DIR, strerror(-r));
    if (inv->n)
        qsort(inv->devices, inv->n, sizeof(*inv->devices), compare_devices);
    mark_parents(inv);
    *ret = vfa_steal(&inv);
    return 0;
}

struct vfa_inventory *vfa_inventory_free(struct vfa_inventory *inv)
{
    if (inv) {
        for (size_t i = 0; i < inv->n; i++)
            vfa_device_clear(&inv->devices[i]);
        free(inv->devices);
        free(inv);
    }
    return NULL;
}

int vfa_inventory_read(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr,
                       struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_closep) int fd = vfa_sysfs_opendir(sysfs->rootfd, DEVICES_DIR);
    char name[VFA_PCI_ADDR_SIZE];
    int r;

    if (fd < 0 && errno == ENOENT)
        return VFA_SYSFS_GONE;
    if (fd < 0)
        return vfa_fail(err, errno, "cannot open '%s': %s", DEVICES_DIR, strerror(errno));
    vfa_pci_addr_format(addr, name);
    r = read_pci_device(fd, name, ret);
    if (r < 0)
        return vfa_fail(err, -r, "cannot read device '%s': %s", name, strerror(-r));
    return r;
}

int vfa_inventory_open(const struct vfa_sysfs *sysfs, const struct vfa_pci_addr *addr)
{
    char path[sizeof(DEVICES_DIR "/") + VFA_PCI_ADDR_SIZE], address[VFA_PCI_ADDR_SIZE];

    snprintf(path, sizeof(path), DEVICES_DIR "/%s", vfa_pci_addr_format(addr, address));
    return vfa_sysfs_opendir(sysfs->rootfd, path);
}

bool vfa_inventory_netdev_ok(const char *name)
{
    return *name && *name != '.' && strlen(name) < IF_NAMESIZE &&
           !name[strcspn(name, "/: \t\n\v\f\r")];
}

int vfa_inventory_netdev(const struct vfa_sysfs *sysfs, const char *netdev,
                         struct vfa_pci_addr *ret, struct vfa_error *err)
{
    char path[64], name[VFA_PCI_ADDR_SIZE];
    int r;

    if (!vfa_inventory_netdev_ok(netdev))
        return VFA_SYSFS_GONE;
    snprintf(path, sizeof(path), "class/net/%s/device", netdev);
    r = vfa_sysfs_link(sysfs->rootfd, path, name, sizeof(name));
    if (r == -EOVERFLOW || (r == 0 && vfa_parse_pci_addr(name, ret) < 0))
        return VFA_SYSFS_GONE; /* a device of another bus */
    return r < 0 ? vfa_fail(err, -r, "cannot read netdev '%s': %s", netdev, strerror(-r)) : r;
}

const struct vfa_device *vfa_inventory_find(const struct vfa_inventory *inv,
                                            const struct vfa_pci_addr *addr)
{
    return find_device(inv, addr);
}

const struct vfa_device *vfa_inventory_parent(const struct vfa_inventory *inv,
                                              const struct vfa_device *dev)
{
    return dev->type == VFA_TYPE_VF ? find_device(inv, &dev->parent) : NULL;
}
