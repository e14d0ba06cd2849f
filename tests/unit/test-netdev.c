/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface that belongs to a PCI function, on fake sysfs trees. */

#include "base/common.h"
#include "device/netdev.h"
#include "device/sysfs.h"
#include "check.h"
#include "made-sysfs.h"

#define DEV "bus/pci/devices/0000:03:00.0"

static struct vfa_sysfs sysfs;

/* ---- names of ports ---- */

static const struct {
    const char *name;
    enum vfa_port_kind kind;
} names[] = {
    {"", VFA_PORT_UPLINK},
    {"p0", VFA_PORT_UPLINK},
    {"p12", VFA_PORT_UPLINK},
    {"p0s1", VFA_PORT_UPLINK},
    {"pf0vf0", VFA_PORT_REPRESENTOR},
    {"pf1vf127", VFA_PORT_REPRESENTOR},
    {"vf3", VFA_PORT_REPRESENTOR},
    {"pf0sf88", VFA_PORT_REPRESENTOR},
    {"c1pf0vf2", VFA_PORT_REPRESENTOR},
    {"c1pf0", VFA_PORT_OTHER},
    {"pf0hpf", VFA_PORT_REPRESENTOR},
    {"pf0", VFA_PORT_OTHER},
    {"pf0s1", VFA_PORT_OTHER},
    {"p", VFA_PORT_OTHER},
    {"p0x", VFA_PORT_OTHER},
    {"p0s", VFA_PORT_OTHER},
    {"0", VFA_PORT_OTHER},
    {"pf0vf", VFA_PORT_OTHER},
    {"pf0vf1x", VFA_PORT_OTHER},
    {"sby", VFA_PORT_OTHER},
};

static void test_names(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        CHECK(vfa_netdev_port_kind(names[i].name) == names[i].kind, "'%s': %d", names[i].name,
              (int)vfa_netdev_port_kind(names[i].name));
}

/* ---- the own interface ---- */

static void make(const char *netdev, const char *port)
{
    char path[96];

    snprintf(path, sizeof(path), DEV "/net/%s", netdev);
    made_folder(path);
    if (!port)
        return;
    snprintf(path, sizeof(path), DEV "/net/%s/phys_port_name", netdev);
    made_file(path, port);
}

static void expect(const char *label, const char *want)
{
    VFA_AUTO(vfa_closep) int fd = vfa_sysfs_opendir(sysfs.rootfd, DEV);
    char name[16] = "unchanged";
    int r = vfa_netdev_own(fd, name, sizeof(name));

    if (want)
        CHECK(r == 0 && strcmp(name, want) == 0, "%s: %d '%s'", label, r, name);
    else
        CHECK(r == VFA_SYSFS_GONE, "%s: %d '%s'", label, r, name);
}

static void test_own(void)
{
    made_folder(DEV);
    expect("no net folder", NULL);
    made_folder(DEV "/net");
    expect("an empty one", NULL);
    make("eth2", NULL);
    expect("the only one", "eth2");
    make("eth1", NULL);
    make("eth3", NULL);
    expect("the first of several", "eth1");
    make("eth0", "pf0vf0");
    expect("a representor is none", "eth1");
    made_without(DEV "/net");
    make("eth0", "pf0vf0");
    make("eth1", "pf0vf1");
    expect("representors only", NULL);
    make("p0", "p0");
    expect("the uplink", "p0");
    make("eno1", "pf0");
    expect("another name comes behind", "p0");
    made_without(DEV "/net/p0");
    expect("and is better than none", "eno1");
}

/* A VF has no representors: if it has one interface, the name of the port is ignored. */
static void test_vf(void)
{
    made_without(DEV "/net");
    made_link(DEV "/physfn", "../0000:03:00.1");
    make("eth0", "pf0vf0");
    expect("the only one of a VF", "eth0");
    make("eth1", NULL);
    expect("several", "eth1");
}

int main(void)
{
    sysfs = made_begin();
    test_names();
    test_own();
    test_vf();
    made_end(&sysfs);
    return check_result();
}
