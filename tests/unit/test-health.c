/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a device can be given to a guest, and the text of the finding, on fake sysfs trees. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/health.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "check.h"
#include "made-sysfs.h"

#define DEV   "bus/pci/devices/0000:01:00.0"
#define OTHER "bus/pci/devices/0000:01:00.1"
#define GROUP "kernel/iommu_groups/7/devices/"

static struct vfa_sysfs sysfs;

static void make_device(const char *path, const char *class, const char *driver)
{
    char name[96];

    snprintf(name, sizeof(name), "%s/vendor", path);
    made_file(name, "0x8086");
    snprintf(name, sizeof(name), "%s/device", path);
    made_file(name, "0x10ca");
    snprintf(name, sizeof(name), "%s/class", path);
    made_file(name, class);
    snprintf(name, sizeof(name), "%s/iommu_group", path);
    made_link(name, "../../../kernel/iommu_groups/7");
    snprintf(name, sizeof(name), "%s/driver", path);
    if (driver)
        made_link(name, driver);
    else
        made_without(name);
}

/* A network device, alone in group 7. */
static void make_host(void)
{
    made_without("bus");
    made_without("kernel");
    make_device(DEV, "0x020000", "igbvf");
    made_link(GROUP "0000:01:00.0", "x");
}

/* Reads and checks the device. */
static struct vfa_health check_it(void)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = &sysfs};
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    const struct vfa_pci_addr addr = {0, 1, 0, 0};
    struct vfa_health health = {.use = {.fault = VFA_HEALTH_N}};

    CHECK(vfa_pci_read(&sysfs, &addr, &dev, NULL) == 0, "read");
    CHECK(vfa_health_check(&health_context, &dev, &health, NULL) == 0, "check");
    return health;
}

static void expect_finding(const char *label, const struct vfa_finding *is,
                           enum vfa_health_fault fault, const char *detail)
{
    CHECK(is->fault == fault && strcmp(is->detail, detail) == 0, "%s: %d '%s'", label,
          (int)is->fault, is->detail);
}

/* Checks that the device has no other fault. */
static void expect(const char *label, enum vfa_health_fault fault, const char *detail)
{
    struct vfa_health health = check_it();
    bool group = fault == VFA_HEALTH_GROUP, pf = fault == VFA_HEALTH_PF_DOWN;

    expect_finding(label, &health.group, group ? fault : VFA_HEALTH_NONE, group ? detail : "");
    expect_finding(label, &health.pf, pf ? fault : VFA_HEALTH_NONE, pf ? detail : "");
    expect_finding(label, &health.use, group || pf ? VFA_HEALTH_NONE : fault,
                   group || pf ? "" : detail);
}

/* ---- the netdev ---- */

static void test_netdev(void)
{
    make_host();
    expect("no net folder", VFA_HEALTH_NONE, "");
    made_folder(DEV "/net");
    expect("empty net folder", VFA_HEALTH_NETDEV, "its netdev is in another network namespace");
    make_device(DEV, "0x0b4000", "qat");
    expect("the same of no network device", VFA_HEALTH_NONE, "");
    make_device(DEV, "0x020000", "igbvf");
    made_folder(DEV "/net/eth0");
    expect("idle", VFA_HEALTH_NONE, "");
    made_file(DEV "/net/eth0/flags", "0x1003");
    expect("up, on a tree that is not this host", VFA_HEALTH_NONE, "");
    made_link(DEV "/net/eth0/master", "../../br0");
    expect("enslaved", VFA_HEALTH_NETDEV, "eth0 belongs to br0");
    make_device(DEV, "0x0b4000", "igbvf");
    expect("a master of no network device", VFA_HEALTH_NONE, "");
}

/* A function with several interfaces: another interface than the first is in use. */
static void test_netdevs(void)
{
    make_host();
    made_folder(DEV "/net/eth0");
    made_folder(DEV "/net/eth1");
    made_folder(DEV "/net/eth2");
    expect("three idle ones", VFA_HEALTH_NONE, "");
    made_link(DEV "/net/eth1/master", "../../bond0");
    expect("one in a bond", VFA_HEALTH_NETDEV, "eth1 belongs to bond0");
    made_without(DEV "/net/eth1/master");
    made_link(DEV "/net/eth2/upper_macvtap0", "../../macvtap0");
    expect("one with a macvtap", VFA_HEALTH_NETDEV, "eth2 has macvtap0 on it");
    made_without(DEV "/net");
    made_file(DEV "/net/eth0/phys_port_name", "pf0vf0");
    expect("representors only", VFA_HEALTH_NETDEV, "its netdev is in another network namespace");
    made_folder(DEV "/net/p0");
    expect("with its own", VFA_HEALTH_NONE, "");
    made_link(DEV "/net/eth0/master", "../../ovs-system");
    expect("a representor in a switch", VFA_HEALTH_NETDEV, "eth0 belongs to ovs-system");
}

/* ---- the VFs of a PF ---- */

#define VF0 "bus/pci/devices/0000:01:10.0"
#define VF1 "bus/pci/devices/0000:01:10.2"

static void test_vfs(void)
{
    make_host();
    make_device(VF0, "0x020000", "igbvf");
    make_device(VF1, "0x020000", "igbvf");
    made_link(VF0 "/physfn", "../0000:01:00.0");
    made_link(VF1 "/physfn", "../0000:01:00.0");
    made_link(DEV "/virtfn0", "../0000:01:10.0");
    made_link(DEV "/virtfn1", "../0000:01:10.2");
    made_folder(VF0 "/net/eth0v0");
    made_folder(VF1 "/net/eth0v1");
    expect("idle VFs", VFA_HEALTH_NONE, "");
    made_link(VF1 "/net/eth0v1/master", "../../br0");
    expect("one in a bridge", VFA_HEALTH_VF, "0000:01:10.2: eth0v1 belongs to br0");
    made_without(VF1 "/net/eth0v1/master");
    make_device(VF1, "0x020000", "mlx5_vfio_pci");
    expect("one given away", VFA_HEALTH_VF, "0000:01:10.2 is bound to mlx5_vfio_pci");
    make_device(VF1, "0x020000", NULL);
    expect("one without a driver", VFA_HEALTH_NONE, "");
    made_link(VF0 "/vdpa0/subsystem", "vdpa");
    expect("one with a vDPA device", VFA_HEALTH_VF,
           "0000:01:10.0: vDPA device vdpa0 is made of it");
    made_link(DEV "/net/eth0/master", "../../br0");
    expect("its own interface first", VFA_HEALTH_NETDEV, "eth0 belongs to br0");
}

/* ---- the PF of a VF ---- */

static void test_pf(void)
{
    make_host();
    make_device(OTHER, "0x020000", "igb");
    made_link(DEV "/physfn", "../0000:01:00.1");
    expect("a PF without an interface here", VFA_HEALTH_NONE, "");
    made_folder(OTHER "/net/eth0");
    expect("one that tells nothing", VFA_HEALTH_NONE, "");
    made_file(OTHER "/net/eth0/flags", "0x1003");
    expect("up", VFA_HEALTH_NONE, "");
    made_file(OTHER "/net/eth0/flags", "0x1002");
    expect("down", VFA_HEALTH_PF_DOWN, "eth0 is down");
    made_file(OTHER "/net/a0/phys_port_name", "pf0vf0");
    made_file(OTHER "/net/a0/flags", "0x1003");
    expect("a representor that is up", VFA_HEALTH_PF_DOWN, "eth0 is down");
    make_device(DEV, "0x0b4000", "qat");
    expect("of no network card", VFA_HEALTH_NONE, "");
}

static void test_vanished(void)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = &sysfs};
    struct vfa_device dev = {.addr = {0, 9, 0, 0}, .class = 0x020000, .iommu_group = 99};
    struct vfa_health health;

    CHECK(vfa_health_check(&health_context, &dev, &health, NULL) == 0 &&
              health.use.fault == VFA_HEALTH_NONE && health.pf.fault == VFA_HEALTH_NONE &&
              health.group.fault == VFA_HEALTH_NONE,
          "what is gone is not in use");
}

/* ---- vDPA and mediated devices ---- */

static const struct {
    const char *label, *child, *bus, *detail;
} children[] = {
    {"a vDPA device", "vdpa0", "vdpa", "vDPA device vdpa0 is made of it"},
    {"one with a name of its own", "db1-net", "vdpa", "vDPA device db1-net is made of it"},
    {"one of a subfunction", "mlx5_core.sf.2/vdpa0", "vdpa", "vDPA device vdpa0 is made of it"},
    {"a mediated device", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "mdev",
     "mediated device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 is made of it"},
    {"a part that only looks like one", "vdpa0", "net", ""},
    {"a part of another part", "net/vdpa0", "vdpa", ""},
};

static void test_offspring(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
        char path[128];

        make_host();
        made_link(DEV "/mlx5_core.sf.2/subsystem", "../../../bus/auxiliary");
        made_folder(DEV "/power");
        expect("parts of no interest", VFA_HEALTH_NONE, "");
        snprintf(path, sizeof(path), DEV "/%s/subsystem", children[i].child);
        made_link(path, children[i].bus);
        expect(children[i].label, *children[i].detail ? VFA_HEALTH_CHILDREN : VFA_HEALTH_NONE,
               children[i].detail);
        make_device(DEV, "0x0b4000", "qat");
        expect("whatever the class", *children[i].detail ? VFA_HEALTH_CHILDREN : VFA_HEALTH_NONE,
               children[i].detail);
    }
}

/* ---- the group ---- */

static const struct {
    const char *label, *class, *driver;
    bool viable;
} members[] = {
    {"no driver", "0x020000", NULL, true},
    {"vfio-pci", "0x020000", "vfio-pci", true},
    {"a variant of it", "0x020000", "mlx5_vfio_pci", true},
    {"pci-stub", "0x020000", "pci-stub", true},
    {"a PCI bridge", "0x060400", "pcieport", true},
    {"a bridge of another kind", "0x060100", "lpc_ich", false},
    {"a host driver", "0x020000", "e1000e", false},
};

static void test_group(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        char detail[80] = "";

        make_host();
        make_device(OTHER, members[i].class, members[i].driver);
        expect("another group", VFA_HEALTH_NONE, "");
        made_link(GROUP "0000:01:00.1", "x");
        if (!members[i].viable)
            snprintf(detail, sizeof(detail), "0000:01:00.1 of group 7 is bound to %s",
                     members[i].driver);
        expect(members[i].label, members[i].viable ? VFA_HEALTH_NONE : VFA_HEALTH_GROUP, detail);
    }
}

/* ---- VFIO drivers by another name: NVIDIA's, of the VFs of a vGPU ---- */

static void test_vfio_folder(void)
{
    make_host();
    CHECK(!check_it().vfio, "igbvf");
    make_device(DEV, "0x020000", "vfio-pci");
    CHECK(check_it().vfio, "vfio-pci");
    make_device(DEV, "0x030200", "nvidia");
    CHECK(!check_it().vfio, "nvidia, of a whole GPU");
    made_folder(DEV "/vfio-dev/vfio3");
    CHECK(check_it().vfio, "nvidia, of a vGPU");
    expect("alone", VFA_HEALTH_NONE, "");

    make_device(OTHER, "0x030200", "nvidia");
    made_link(GROUP "0000:01:00.1", "x");
    expect("a GPU in its group", VFA_HEALTH_GROUP, "0000:01:00.1 of group 7 is bound to nvidia");
    made_folder(OTHER "/vfio-dev/vfio4");
    expect("a vGPU in its group", VFA_HEALTH_NONE, "");

    make_host();
    make_device(DEV, "0x030200", "nvidia");
    make_device(VF0, "0x030200", "nvidia");
    made_link(VF0 "/physfn", "../0000:01:00.0");
    made_link(DEV "/virtfn0", "../0000:01:10.0");
    expect("a GPU whose VF is idle", VFA_HEALTH_NONE, "");
    made_folder(VF0 "/vfio-dev/vfio3");
    expect("a GPU whose VF is a vGPU", VFA_HEALTH_VF, "0000:01:10.0 is bound to nvidia");
}

static void test_strange_groups(void)
{
    make_host();
    made_link(GROUP "0000:01:00.7", "x");
    expect("a member that is gone", VFA_HEALTH_NONE, "");
    made_link(GROUP "platform-device", "x");
    expect("a member that is no PCI device", VFA_HEALTH_NONE, "");
    made_without("kernel");
    expect("a group without a folder", VFA_HEALTH_NONE, "");
    made_without(DEV "/iommu_group");
    expect("no group", VFA_HEALTH_GROUP, "no group: is the IOMMU switched on?");
}

/* The findings are independent, because the use of the device decides which of them matter. */
static void test_all_is_told(void)
{
    struct vfa_health health;

    make_host();
    made_folder(DEV "/net");
    made_without(DEV "/iommu_group");
    health = check_it();
    expect_finding("both", &health.use, VFA_HEALTH_NETDEV,
                   "its netdev is in another network namespace");
    expect_finding("both", &health.group, VFA_HEALTH_GROUP, "no group: is the IOMMU switched on?");
}

static void test_error(void)
{
    VFA_AUTO(vfa_health_context_clear) struct vfa_health_context health_context = {.sysfs = &sysfs};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_device dev = {.addr = {0, 1, 0, 0}, .iommu_group = 7};
    struct vfa_health health;

    make_host();
    make_device(OTHER, "not a class", "e1000e");
    made_link(GROUP "0000:01:00.1", "x");
    CHECK(vfa_health_check(&health_context, &dev, &health, &err) < 0 &&
              check_has(&err, "cannot read device '0000:01:00.1'"),
          "%s", vfa_error_text(&err));
}

int main(void)
{
    sysfs = made_begin();
    test_netdev();
    test_netdevs();
    test_vfs();
    test_pf();
    test_vanished();
    test_offspring();
    test_group();
    test_vfio_folder();
    test_strange_groups();
    test_all_is_told();
    test_error();
    made_end(&sysfs);
    return check_result();
}
