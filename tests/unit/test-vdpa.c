/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vDPA by netlink, sysfs and nodes, with the made kernel (tests/kernel). */

#include "base/common.h"
#include "base/error.h"
#include "device/maker.h"
#include "device/vdpa-node.h"
#include "device/vdpa-private.h"
#include "device/vdpa.h"
#include "check.h"
#include "made-kernel.h"

#include <errno.h>

#define PCI  "pci/0000:3b:00.2"
#define MANY 100

static int add_on(const char *name, const char *mgmtdev, struct vfa_error *err)
{
    const struct vfa_vdpa_wanted wanted = {.name = name, .mgmtdev = mgmtdev};

    return vfa_vdpa_add(&sysfs, &wanted, LIMIT, err);
}

static int add(const char *name)
{
    return add_on(name, "vdpasim_net", NULL);
}

/* ---- a kernel without vDPA, a tree of another host ---- */

static void check_absent(const char *when)
{
    struct vfa_vdpa_mgmtdevs mgmtdevs = {NULL, 7};
    struct vfa_vdpa_devices devices = {NULL, 7};
    struct vfa_vdpa_device device;
    struct vfa_vdpa_mgmtdev mgmtdev;

    CHECK(vfa_vdpa_mgmtdevs(&sysfs, LIMIT, &mgmtdevs, NULL) == VFA_MAKER_ABSENT, "%s", when);
    CHECK(vfa_vdpa_devices(&sysfs, LIMIT, &devices, NULL) == VFA_MAKER_ABSENT, "%s", when);
    CHECK(mgmtdevs.n == 7 && devices.n == 7, "%s: untouched", when);
    CHECK(vfa_vdpa_read(&sysfs, "a", LIMIT, &device, NULL) == VFA_MAKER_ABSENT, "%s", when);
    CHECK(vfa_vdpa_read_mgmtdev(&sysfs, PCI, LIMIT, &mgmtdev, NULL) == VFA_MAKER_ABSENT, "%s",
          when);
    CHECK(add("a") == VFA_MAKER_ABSENT, "%s", when);
    CHECK(vfa_vdpa_delete_unbound(&sysfs, "a", LIMIT, NULL) == VFA_MAKER_ABSENT, "%s", when);
}

static void test_absent(void)
{
    char root[sizeof(made_root) + 8];
    struct vfa_vdpa_node node;

    check_absent("no module");
    CHECK(vfa_vdpa_node(&sysfs, "a", &node, NULL) == VFA_MAKER_GONE, "no module");
    made_vdpa_host();
    unsetenv("VFA_MADE_KERNEL");
    check_absent("another host's sysfs");
    CHECK(vfa_vdpa_delete(&sysfs, "a", LIMIT, NULL) == VFA_MAKER_ABSENT, "another host's sysfs");
    snprintf(root, sizeof(root), "%s/sys", made_root);
    setenv("VFA_MADE_KERNEL", root, 1);
}

/* ---- management devices ---- */

static const struct vfa_vdpa_mgmtdev *find_mgmtdev(const struct vfa_vdpa_mgmtdevs *list,
                                                   const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

static void test_mgmtdevs(void)
{
    VFA_AUTO(vfa_vdpa_mgmtdevs_clear) struct vfa_vdpa_mgmtdevs list = {NULL, 0};
    const struct vfa_vdpa_mgmtdev *mgmtdev;

    made_mgmtdev("a name with blanks", "devices/vdpasim_net", 0, "0");
    made_mgmtdev("so-long-that-the-identity-of-the-management-device-would-not-fit-into-a-state",
                 "devices/vdpasim_net", 0, "0");
    CHECK(vfa_vdpa_mgmtdevs(&sysfs, LIMIT, &list, NULL) == 0 && list.n == 2, "%zu", list.n);
    mgmtdev = find_mgmtdev(&list, PCI);
    CHECK(mgmtdev && mgmtdev->classes == 1u << VFA_VIRTIO_NET && mgmtdev->max_vqs == 3 &&
              mgmtdev->features == 0x300020,
          "attributes");
    CHECK(find_mgmtdev(&list, "vdpasim_net"), "without a bus");
    made_without("kernel/mgmtdev/a name with blanks");
    made_without(
        "kernel/mgmtdev/so-long-that-the-identity-of-the-management-device-would-not-fit-into-a-"
        "state");
}

static void test_read_mgmtdev(void)
{
    static const char *const unknown[] = {"nosuch", "pci/nosuch", "vdpasim_net/", "/vdpasim_net",
                                          "",       "a/b/c",      "../x"};
    struct vfa_vdpa_mgmtdev mgmtdev;
    struct vfa_pci_addr addr;
    char text[VFA_PCI_ADDR_SIZE];

    CHECK(vfa_vdpa_read_mgmtdev(&sysfs, PCI, LIMIT, &mgmtdev, NULL) == 0 &&
              strcmp(mgmtdev.name, PCI) == 0,
          "%s", mgmtdev.name);
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        CHECK(vfa_vdpa_read_mgmtdev(&sysfs, unknown[i], LIMIT, &mgmtdev, NULL) == VFA_MAKER_GONE,
              "'%s'", unknown[i]);
        CHECK(vfa_vdpa_mgmtdev_function(&sysfs, unknown[i], &addr) == VFA_SYSFS_GONE, "'%s'",
              unknown[i]);
    }
    CHECK(vfa_vdpa_mgmtdev_function(&sysfs, "vdpasim_net", &addr) == VFA_SYSFS_GONE, "simulated");
    CHECK(vfa_vdpa_mgmtdev_function(&sysfs, PCI, &addr) == 0 &&
              strcmp(vfa_pci_addr_format(&addr, text), "0000:3b:00.2") == 0,
          "the function itself");
    made_link("sys/bus/auxiliary/devices/mlx5_core.sf.4",
              "../../../devices/pci0000:3a/0000:3b:00.0/mlx5_core.sf.4");
    CHECK(vfa_vdpa_mgmtdev_function(&sysfs, "auxiliary/mlx5_core.sf.4", &addr) == 0 &&
              strcmp(vfa_pci_addr_format(&addr, text), "0000:3b:00.0") == 0,
          "that of a subfunction");
}

/* ---- making ---- */

static void check_refused(const struct vfa_vdpa_wanted *wanted, int r, const char *text)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int got = vfa_vdpa_add(&sysfs, wanted, LIMIT, &err);

    CHECK(got == r && strcmp(err.code ? vfa_error_text(&err) : "", text) == 0, "%d, %s", got,
          vfa_error_text(&err));
}

static void test_refused(void)
{
    struct vfa_vdpa_wanted wanted = {.name = "a", .mgmtdev = "vdpasim_net", .max_vqp = 2};

    check_refused(&wanted, -EOPNOTSUPP,
                  "cannot make vDPA device 'a' on 'vdpasim_net': the driver does not support the "
                  "settings: max_vqp");
    wanted = (struct vfa_vdpa_wanted){
        .name = "a", .mgmtdev = PCI, .mac = "52:54:00:00:00:01", .has_features = true};
    check_refused(&wanted, -EINVAL,
                  "cannot make vDPA device 'a' on '" PCI "': Invalid argument (Missing features "
                  "0x20 for provided attributes)");
    wanted.mac = "52:54";
    check_refused(&wanted, -EINVAL, "'52:54' is not a MAC address (example: 52:54:00:01:02:03)");
    wanted = (struct vfa_vdpa_wanted){.name = "a", .mgmtdev = "nosuch"};
    check_refused(&wanted, VFA_MAKER_GONE, "");
    wanted = (struct vfa_vdpa_wanted){.name = "../a", .mgmtdev = PCI};
    check_refused(&wanted, -EINVAL, "cannot make vDPA device '../a': not a valid name");
}

/* Kernel 6.1 does not say which. */
static void test_refused_without_mask(void)
{
    const struct vfa_vdpa_wanted wanted = {
        .name = "a", .mgmtdev = PCI, .mac = "52:54:00:00:00:01", .mtu = 1500};

    made_file("kernel/fail.new", "code 95\ntext vdpa: All provided attributes are not supported");
    check_refused(&wanted, -EOPNOTSUPP,
                  "cannot make vDPA device 'a' on '" PCI "': the driver does not support the "
                  "settings: mac, mtu");
    made_file("kernel/fail.new", "code 95");
    check_refused(&wanted, -EOPNOTSUPP,
                  "cannot make vDPA device 'a' on '" PCI "': Operation not supported");
    made_file("kernel/fail.new", "code 1");
    check_refused(&wanted, -EPERM,
                  "cannot make vDPA device 'a' on '" PCI "': Operation not permitted");
    made_without("kernel/fail.new");
}

static bool record_has(const char *name, const char *line)
{
    char path[256], text[256];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "%s/kernel/vdpa/%s", made_root, name);
    file = fopen(path, "r");
    while (file && !found && fgets(text, sizeof(text), file)) {
        text[strcspn(text, "\n")] = '\0';
        found = strcmp(text, line) == 0;
    }
    if (file)
        fclose(file);
    return found;
}

static void test_add(void)
{
    const struct vfa_vdpa_wanted all = {.name = "all",
                                        .mgmtdev = PCI,
                                        .mac = "52:54:00:AB:CD:EF",
                                        .max_vqp = 4,
                                        .mtu = 9000,
                                        .has_features = true,
                                        .features = 0x300400028};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_vdpa_device device;

    CHECK(vfa_vdpa_add(&sysfs, &all, LIMIT, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(record_has("all", "mac 52:54:00:ab:cd:ef") && record_has("all", "max_vqp 4") &&
              record_has("all", "mtu 9000") && record_has("all", "features 0x300400028"),
          "settings");
    CHECK(add_on("all", "vdpasim_net", &err) == VFA_MAKER_EXISTS && err.code == EEXIST &&
              check_has(&err, "a device with this name exists"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_read(&sysfs, "all", LIMIT, &device, NULL) == 0 &&
              strcmp(device.mgmtdev, PCI) == 0 && strcmp(device.name, "all") == 0 &&
              device.id == VFA_VIRTIO_NET && device.max_vqs == 3,
          "%s", device.mgmtdev);
    CHECK(add_on("second", PCI, NULL) == 0, "two");
    CHECK(add_on("third", PCI, &err) == VFA_MAKER_FULL && err.code == ENOSPC &&
              check_has(&err, "the management device can make no more devices"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_delete(&sysfs, "all", LIMIT, NULL) == 0, "one less");
    CHECK(add_on("third", PCI, NULL) == 0, "there is room again");
    CHECK(vfa_vdpa_delete(&sysfs, "second", LIMIT, NULL) == 0, "second");
    CHECK(vfa_vdpa_delete(&sysfs, "third", LIMIT, NULL) == 0, "third");
    CHECK(!record_has("plain", "mac"), "nothing that was not given");
}

static void test_many(void)
{
    VFA_AUTO(vfa_vdpa_devices_clear) struct vfa_vdpa_devices list = {NULL, 0};
    struct vfa_vdpa_device device;
    char name[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        CHECK(add(name) == 0, "%s", name);
    }
    CHECK(vfa_vdpa_read(&sysfs, "d70", LIMIT, &device, NULL) == 0, "one of many");
    CHECK(vfa_vdpa_read(&sysfs, "nosuch", LIMIT, &device, NULL) == VFA_MAKER_GONE, "none of them");
    CHECK(!made_called("get *"), "no list was needed");
    CHECK(vfa_vdpa_devices(&sysfs, LIMIT, &list, NULL) == 0 && list.n == MANY, "%zu", list.n);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        CHECK(vfa_vdpa_delete(&sysfs, name, LIMIT, NULL) == 0, "%s", name);
    }
}

/* ---- nodes and drivers ---- */

static void test_node(void)
{
    struct vfa_vdpa_node node;
    char text[VFA_PCI_ADDR_SIZE];

    CHECK(add("a") == 0 && add_on("b", PCI, NULL) == 0, "made");
    CHECK(vfa_vdpa_node(&sysfs, "a", &node, NULL) == 0 && strcmp(node.node, "vhost-vdpa-0") == 0 &&
              strcmp(node.driver, "vhost_vdpa") == 0 && !node.has_function,
          "%s", node.node);
    CHECK(vfa_vdpa_node(&sysfs, "b", &node, NULL) == 0 && strcmp(node.node, "vhost-vdpa-1") == 0 &&
              node.has_function &&
              strcmp(vfa_pci_addr_format(&node.function, text), "0000:3b:00.2") == 0,
          "%s", node.node);
    CHECK(vfa_vdpa_node(&sysfs, "c", &node, NULL) == VFA_MAKER_GONE, "none");
    CHECK(vfa_vdpa_node(&sysfs, "../drivers", &node, NULL) == VFA_MAKER_GONE, "not a name");
    CHECK(vfa_vdpa_bind(&sysfs, "a", LIMIT, &node, NULL) == 0 && !made_called("bind a") &&
              !made_called("unbind a"),
          "bound already");
    CHECK(vfa_vdpa_delete(&sysfs, "a", LIMIT, NULL) == 0, "a");
    CHECK(vfa_vdpa_delete(&sysfs, "b", LIMIT, NULL) == 0, "b");
    CHECK(vfa_vdpa_delete(&sysfs, "b", LIMIT, NULL) == VFA_MAKER_GONE, "again");
}

static void test_virtio(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_vdpa_node node;

    made_file("kernel/drivers", "load virtio_vdpa,vhost_vdpa");
    CHECK(add("v") == 0 && vfa_vdpa_node(&sysfs, "v", &node, NULL) == 0 &&
              strcmp(node.driver, "virtio_vdpa") == 0 && !node.node[0],
          "%s", node.driver);
    CHECK(vfa_vdpa_bind(&sysfs, "v", LIMIT, &node, &err) == 0 &&
              strcmp(node.driver, "vhost_vdpa") == 0 && strcmp(node.node, "vhost-vdpa-0") == 0,
          "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_delete(&sysfs, "v", LIMIT, NULL) == 0, "deleted");
    CHECK(add("v") == 0 && vfa_vdpa_delete(&sysfs, "v", LIMIT, NULL) == 0, "with virtio_vdpa");
    made_without("sys/bus/vdpa/drivers/vhost_vdpa");
    CHECK(add("v") == 0 && vfa_vdpa_bind(&sysfs, "v", LIMIT, &node, &err) == -ENODEV &&
              check_has(&err, "module vhost_vdpa is not loaded"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_delete(&sysfs, "v", LIMIT, NULL) == 0, "without vhost_vdpa");
    made_vdpa_host();
    CHECK(vfa_vdpa_bind(&sysfs, "v", LIMIT, &node, NULL) == VFA_MAKER_GONE, "gone");
}

/* ---- devices that are open ---- */

static void test_open(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_vdpa_node node;
    int guest;

    CHECK(add("o") == 0 && vfa_vdpa_check_open(&sysfs, "o", LIMIT, NULL) == 0, "closed");
    guest = made_hold("dev/vhost-vdpa-0");
    CHECK(vfa_vdpa_check_open(&sysfs, "o", LIMIT, &err) == VFA_MAKER_OPEN && err.code == EBUSY,
          "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_delete(&sysfs, "o", LIMIT, &err) == VFA_MAKER_OPEN &&
              strcmp(vfa_error_text(&err),
                     "cannot delete vDPA device 'o': a program has '/dev/vhost-vdpa-0' open") == 0,
          "%s", vfa_error_text(&err));
    CHECK(!made_called("unbind o") && !made_called("del o"), "untouched");
    CHECK(vfa_vdpa_node(&sysfs, "o", &node, NULL) == 0 && node.node[0], "untouched");
    close(guest);
    CHECK(vfa_vdpa_delete(&sysfs, "o", LIMIT, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_check_open(&sysfs, "o", LIMIT, NULL) == VFA_MAKER_GONE, "gone");
}

/* Another process runs `act` on a device that a guest has open, and waits. */
static pid_t begin_other(int (*act)(const char *name), const char *name, int guest)
{
    pid_t pid = fork();

    if (pid == 0) {
        close(guest); /* it is the guest's alone */
        _exit(act(name) != 0);
    }
    return pid;
}

static bool ends_well(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && status == 0;
}

static int unbind(const char *name)
{
    return vfa_maker_write(sysfs.rootfd, "bus/vdpa/drivers/vhost_vdpa/unbind", name);
}

static int delete_at_once(const char *name)
{
    return vfa_vdpa_delete_unbound(&sysfs, name, LIMIT, NULL);
}

/* Somebody opened it after the check: the unbind waits. No link and no node says so any more. */
static void test_unbind_waits(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_vdpa_node node = {.driver = "?"};
    pid_t other;
    int guest;

    CHECK(add("u") == 0, "made");
    guest = made_hold("dev/vhost-vdpa-0");
    other = begin_other(unbind, "u", guest);
    made_wait_called("unbind u");
    while (vfa_vdpa_node(&sysfs, "u", &node, NULL) == 0 && (node.driver[0] || node.node[0]))
        usleep(1000);
    CHECK(vfa_vdpa_delete(&sysfs, "u", SHORT, &err) == VFA_MAKER_OPEN &&
              check_has(&err, "the unbind from vhost_vdpa waits in the kernel"),
          "%s", vfa_error_text(&err));
    CHECK(!made_called("del u"), "never");
    CHECK(add("other") == 0 && vfa_vdpa_delete(&sysfs, "other", LIMIT, NULL) == 0,
          "nothing else waits");
    close(guest);
    CHECK(ends_well(other), "the unbind");
    CHECK(vfa_vdpa_delete(&sysfs, "u", LIMIT, &err) == 0, "%s", vfa_error_text(&err));
}

/* As `vdpa dev del` of a device that is open: everything waits. */
static void test_delete_waits(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_vdpa_devices list = {NULL, 0};
    struct vfa_vdpa_device device;
    pid_t other;
    int guest;

    CHECK(add("w") == 0 && add("x") == 0, "made");
    guest = made_hold("dev/vhost-vdpa-0");
    other = begin_other(delete_at_once, "w", guest);
    made_wait_called("del w");
    CHECK(vfa_vdpa_devices(&sysfs, SHORT, &list, &err) == -ETIMEDOUT &&
              check_has(&err, "cannot list vDPA devices: the kernel did not answer within"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_read(&sysfs, "x", SHORT, &device, NULL) == -ETIMEDOUT, "read");
    CHECK(vfa_vdpa_delete(&sysfs, "x", SHORT, &err) == -ETIMEDOUT &&
              check_has(&err, "cannot delete vDPA device 'x'"),
          "%s", vfa_error_text(&err));
    close(guest);
    CHECK(ends_well(other), "the deletion");
    CHECK(vfa_vdpa_delete(&sysfs, "x", LIMIT, &err) == 0, "%s", vfa_error_text(&err));
}

static void test_never_answered(void)
{
    int hang = made_hold("kernel/hang.new");

    CHECK(vfa_vdpa_add(&sysfs, &(struct vfa_vdpa_wanted){.name = "n", .mgmtdev = PCI}, SHORT,
                       NULL) == -ETIMEDOUT,
          "add");
    close(hang);
    made_without("kernel/hang.new");
    CHECK(add("n") == 0 && vfa_vdpa_delete(&sysfs, "n", LIMIT, NULL) == 0, "later");
}

/* A node that cannot be opened, or that a confined process does not have: nobody knows whether it is
 * open. */
static void test_bad_node(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(add("bad") == 0, "made");
    made_without("dev/vhost-vdpa-0");
    CHECK(vfa_vdpa_delete(&sysfs, "bad", LIMIT, &err) == -ENOENT &&
              check_has(&err, "cannot open '/dev/vhost-vdpa-0'"),
          "%s", vfa_error_text(&err));
    made_link("dev/vhost-vdpa-0", "/dev/null");
    CHECK(vfa_vdpa_check_open(&sysfs, "bad", LIMIT, &err) == -ELOOP, "%s", vfa_error_text(&err));
    CHECK(vfa_vdpa_delete(&sysfs, "bad", LIMIT, &err) == -ELOOP, "%s", vfa_error_text(&err));
    CHECK(!made_called("unbind bad") && !made_called("del bad"), "kept");
}

int main(void)
{
    made_kernel_begin();
    test_absent();
    test_mgmtdevs();
    test_read_mgmtdev();
    test_refused();
    test_refused_without_mask();
    test_add();
    test_many();
    test_node();
    test_virtio();
    test_open();
    test_unbind_waits();
    test_delete_waits();
    test_never_answered();
    test_bad_node();
    vfa_sysfs_close(&sysfs);
    sysfs.rootfd = -1;
    made_end(&sysfs);
    return check_result();
}
