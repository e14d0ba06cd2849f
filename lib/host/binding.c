/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See binding.h. */

#include "binding.h"

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/pci-address.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/kind.h"
#include "device/netdev.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "device/vf.h"
#include "spec/spec.h"
#include "config/config.h"

#include <errno.h>
#include <string.h>

static int read_pf_mac(int pf_fd, char ret[VFA_MAC_SIZE])
{
    char netdev[64], path[128], mac[64];
    int r = vfa_netdev_own(pf_fd, netdev, sizeof(netdev));

    if (r == 0) {
        snprintf(path, sizeof(path), "net/%s/address", netdev);
        r = vfa_sysfs_read(pf_fd, path, mac, sizeof(mac));
    }
    if (r == 0 && vfa_mac_parse(mac, ret, NULL) < 0) /* an InfiniBand address is longer */
        ret[0] = '\0';
    return r == VFA_SYSFS_GONE ? 0 : r;
}

static int read_pf(const struct vfa_sysfs *sysfs, const char *vf, struct vfa_binding *binding,
                   struct vfa_error *err)
{
    char pf[VFA_PCI_ADDR_SIZE];
    VFA_AUTO(vfa_closep) int fd = -1;
    unsigned number;
    int r;

    vfa_pci_addr_format(&binding->pf, pf);
    fd = vfa_pci_open(sysfs, &binding->pf);
    if (fd < 0)
        return errno == ENOENT || errno == ENODEV
                   ? 0
                   : vfa_fail(err, errno, "cannot read device '%s': %s", pf, strerror(errno));
    r = vfa_vf_number(fd, vf, &number);
    if (r == 0)
        binding->vf_num = (int)number;
    if (r >= 0)
        r = read_pf_mac(fd, binding->pf_mac);
    return r < 0 ? vfa_fail(err, -r, "cannot read device '%s': %s", pf, strerror(-r)) : 0;
}

int vfa_binding_spec(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                     const struct vfa_device *dev, const struct vfa_spec **ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device pf = {.vendor = 0};
    struct vfa_device both[2]; /* sorted: a VF comes after its PF; both are borrowed */
    struct vfa_inventory inv = {.devices = both, .n = 0};
    int r = dev->type == VFA_TYPE_VF ? vfa_pci_read(sysfs, &dev->parent, &pf, err) : VFA_SYSFS_GONE;

    if (r < 0)
        return r;
    if (r == 0)
        both[inv.n++] = pf;
    both[inv.n++] = *dev;
    *ret = vfa_config_spec_for(config, &inv, dev);
    return 0;
}

/* Whether the key of some device_spec counts: the alias has none. */
static bool depends_on_spec(const struct vfa_config *config, const struct vfa_alias *alias)
{
    bool depends = false;

    for (size_t i = 0; i < config->n_specs; i++)
        depends = depends ||
                  vfa_alias_managed(alias, &config->specs[i]) != vfa_alias_managed(alias, NULL);
    return depends;
}

int vfa_binding_managed(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                        const struct vfa_device *dev, const struct vfa_alias *alias, bool *ret,
                        struct vfa_error *err)
{
    const struct vfa_spec *spec = NULL;
    int r = depends_on_spec(config, alias) ? vfa_binding_spec(config, sysfs, dev, &spec, err) : 0;

    if (r == 0)
        *ret = vfa_alias_managed(alias, spec);
    return r;
}

static int read_device(const struct vfa_sysfs *sysfs, const char *device, const char *maker,
                       struct vfa_device *ret, struct vfa_error *err)
{
    int r = vfa_kind_read(sysfs, device, ret, err);

    if (r != 0 || ret->maker || !maker)
        return r;
    ret->maker = strdup(maker);
    return ret->maker ? 0 : vfa_fail_oom(err);
}

int vfa_binding_read(const struct vfa_config *config, const struct vfa_sysfs *sysfs,
                     const char *device, const char *maker, struct vfa_binding *ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {.vendor = 0};
    struct vfa_binding binding = {.vf_num = -1};
    const struct vfa_spec *spec = NULL;
    int r = read_device(sysfs, device, maker, &dev, err);

    if (r == 0)
        r = vfa_binding_spec(config, sysfs, &dev, &spec, err);
    if (r == 0) {
        binding.present = true;
        binding.vendor = dev.vendor;
        binding.product = dev.product;
        binding.physical_network = spec ? vfa_tags_get(&spec->tags, "physical_network") : NULL;
        binding.is_vf = dev.type == VFA_TYPE_VF;
        binding.pf = dev.parent;
    }
    if (binding.is_vf)
        r = read_pf(sysfs, device, &binding, err);
    if (r >= 0)
        *ret = binding;
    return r < 0 ? r : 0;
}
