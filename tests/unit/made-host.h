/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fake host for unit tests of claims: a sysfs tree with one PF and its four VFs, an alias "net"
 * for the VFs, a configuration, and a state file. Also domain XML that names these devices. */
#ifndef VFA_MADE_HOST_H
#define VFA_MADE_HOST_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "host/host.h"
#include "claim/unreleased.h"
#include "check.h"
#include "domxml-case.h"
#include "made-keys.h"
#include "made-sysfs.h"

#define OTHER "99999999-0000-4000-8000-000000000000"
#define VFS   4

static struct vfa_sysfs sysfs;
static char state_path[96], config_path[96];
static struct vfa_config *config;

static inline void make_device(const char *address, int group, const char *netdev)
{
    static const char *const files[][2] = {
        {"vendor", "0x8086"}, {"device", "0x10ca"}, {"class", "0x020000"}, {"numa_node", "-1"}};
    char path[128], text[16];

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", address, files[i][0]);
        made_file(path, files[i][1]);
    }
    snprintf(path, sizeof(path), "bus/pci/devices/%s/iommu_group", address);
    snprintf(text, sizeof(text), "../%d", group);
    made_link(path, text);
    snprintf(path, sizeof(path), "bus/pci/devices/%s/net/%s", address, netdev);
    made_folder(path);
    snprintf(path, sizeof(path), "class/net/%s/device", netdev);
    made_link(path, address);
}

static inline const char *vf(int i)
{
    static const char *const names[VFS] = {"0000:01:10.0", "0000:01:10.2", "0000:01:10.4",
                                           "0000:01:10.6"};

    return names[i];
}

static inline void make_host(void)
{
    char path[128], netdev[16];
    FILE *f;

    sysfs = made_begin();
    make_device("0000:01:00.0", 1, "pf0");
    made_file("bus/pci/devices/0000:01:00.0/sriov_totalvfs", "4");
    for (int i = 0; i < VFS; i++) {
        snprintf(netdev, sizeof(netdev), "pf0v%d", i);
        make_device(vf(i), 10 + i, netdev);
        snprintf(path, sizeof(path), "bus/pci/devices/%s/physfn", vf(i));
        made_link(path, "../0000:01:00.0");
    }
    snprintf(state_path, sizeof(state_path), "%s/run/state", made_root);
    snprintf(config_path, sizeof(config_path), "%s/vfalias.conf", made_root);
    f = fopen(config_path, "w");
    if (!f ||
        fprintf(f,
                "[pci]\n"
                "alias = {\"name\": \"net\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\","
                " \"device_type\": \"type-VF\"}\n"
                "[vfalias]\nstate = %s\nsysfs_root = %s\nlibvirt_run = %s\n",
                state_path, made_root, made_root) < 0 ||
        fclose(f) != 0)
        made_give_up(config_path);
    if (vfa_config_load(config_path, &config, NULL) < 0)
        made_give_up("configuration");
}

static inline struct vfa_host open_host(bool anew)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = {.sysfs = {-1}};

    if (anew)
        unlink(state_path);
    if (vfa_unreleased_open_host(config, &host, &err) != 0)
        made_give_up(vfa_error_text(&err));
    return host;
}

static inline void claim_for_other(struct vfa_host *host, const char *device)
{
    const struct vfa_claim claim = {.device = (char *)device,
                                    .keys = made_keys(device, "0000:01:00.0", -1),
                                    .kind = (char *)"pci",
                                    .uuid = (char *)OTHER,
                                    .domain = (char *)"other",
                                    .request = (char *)device,
                                    .state = VFA_CLAIM_ACTIVE};

    CHECK(vfa_state_claim(host->state, &claim, NULL) == 0, "%s", device);
}

#define HOSTDEV(name, slot, function)                                                              \
    "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='" slot         \
    "' function='" function "'/></source><alias name='ua-vf-" name "'/></hostdev>"
#define SENTINEL(name)                                                                             \
    "<hostdev mode='subsystem' type='pci'><source><address domain='0xffff' bus='0xff' "            \
    "slot='0x1f' function='0'/></source><alias name='ua-vf-" name "'/></hostdev>"
#define MACVTAP(name, dev)                                                                         \
    "<interface type='direct'><source dev='" dev "' mode='passthrough'/><alias name='ua-vf-" name  \
    "'/></interface>"
#define ASKS "<vfalias:request alias='net'/>"
#define STATIC                                                                                     \
    "<hostdev mode='subsystem' type='pci'><source><address bus='1' slot='0x10' function='0'/>"     \
    "</source></hostdev>"
static inline const struct vfa_domain *parse(const char *xml)
{
    static struct vfa_domain *domain;

    domain = vfa_domain_free(domain);
    if (xml && vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0)
        made_give_up(xml);
    return domain;
}

static inline int number_of(const struct vfa_pci_addr *addr)
{
    char text[VFA_PCI_ADDR_SIZE];

    for (int i = 0; i < VFS; i++) {
        if (strcmp(vfa_pci_addr_format(addr, text), vf(i)) == 0)
            return i;
    }
    return -1;
}

#endif
