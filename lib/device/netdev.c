/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See netdev.h. phys_port_name is read only to choose between several interfaces: some kernels take
 * the global lock of the network configuration (rtnl) for each read, and a scan reads thousands of
 * VFs with one interface each. A VF has no representors.
 */

#include "netdev.h"

#include "base/common.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#define PORT_NAME_SIZE 64 /* IFNAMSIZ in the kernel */

/* Skips `prefix` and a number. NULL: the text does not start with these. */
static const char *skip_numbered(const char *text, const char *prefix)
{
    size_t n = strlen(prefix), digits;

    if (strncmp(text, prefix, n) != 0)
        return NULL;
    digits = strspn(text + n, "0123456789");
    return digits ? text + n + digits : NULL;
}

static bool is_uplink(const char *name)
{
    const char *rest = skip_numbered(name, "p"), *split = rest ? skip_numbered(rest, "s") : NULL;

    return rest && (!*rest || (split && !*split));
}

/* A representor's name: an optional controller, an optional PF, then a VF, a subfunction or a host
 * PF. */
static bool is_representor(const char *name)
{
    static const char *const kinds[] = {"vf", "sf"};
    const char *rest = skip_numbered(name, "c");

    name = rest ? rest : name;
    rest = skip_numbered(name, "pf");
    name = rest ? rest : name;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if ((rest = skip_numbered(name, kinds[i])) && !*rest)
            return true;
    }
    return strcmp(name, "hpf") == 0;
}

enum vfa_port_kind vfa_netdev_port_kind(const char *phys_port_name)
{
    if (!*phys_port_name || is_uplink(phys_port_name))
        return VFA_PORT_UPLINK;
    return is_representor(phys_port_name) ? VFA_PORT_REPRESENTOR : VFA_PORT_OTHER;
}

/* A driver without port names refuses the read. */
static enum vfa_port_kind read_port_kind(int netfd, const char *netdev)
{
    char path[NAME_MAX + sizeof("/phys_port_name")], name[PORT_NAME_SIZE];

    snprintf(path, sizeof(path), "%s/phys_port_name", netdev);
    return vfa_sysfs_read(netfd, path, name, sizeof(name)) == 0 ? vfa_netdev_port_kind(name)
                                                                : VFA_PORT_UPLINK;
}

static bool has_several(DIR *dir)
{
    const struct dirent *entry;
    unsigned n = 0;

    while (n < 2 && (entry = readdir(dir)))
        n += entry->d_name[0] != '.';
    rewinddir(dir);
    return n > 1;
}

static int find_own_netdev(DIR *dir, bool is_vf, char *ret, size_t size)
{
    enum vfa_port_kind best = VFA_PORT_REPRESENTOR;
    const struct dirent *entry;
    bool choice = !is_vf || has_several(dir);

    while ((entry = readdir(dir))) {
        enum vfa_port_kind kind = VFA_PORT_UPLINK;

        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= size)
            continue;
        if (choice)
            kind = read_port_kind(dirfd(dir), entry->d_name);
        if (kind > best || kind == VFA_PORT_REPRESENTOR ||
            (kind == best && strcmp(entry->d_name, ret) >= 0))
            continue;
        strcpy(ret, entry->d_name);
        best = kind;
    }
    return best == VFA_PORT_REPRESENTOR ? VFA_SYSFS_GONE : 0;
}

int vfa_netdev_own(int dirfd, char *ret, size_t size)
{
    char pf[NAME_MAX + 1];
    int fd = vfa_sysfs_opendir(dirfd, "net"), r;
    DIR *dir;

    if (fd < 0)
        return errno == ENOENT || errno == ENODEV || errno == ENOTDIR ? VFA_SYSFS_GONE : -errno;
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -ENOMEM;
    }
    r = find_own_netdev(dir, vfa_sysfs_link(dirfd, "physfn", pf, sizeof(pf)) == 0, ret, size);
    closedir(dir);
    return r;
}

bool vfa_netdev_name_ok(const char *name)
{
    return *name && *name != '.' && strlen(name) < IF_NAMESIZE &&
           !name[strcspn(name, "/: \t\n\v\f\r")];
}
