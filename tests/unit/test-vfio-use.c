/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that a program has open through VFIO, on a fake /sys and a fake /proc next to it. */

#include "base/common.h"
#include "device/device.h"
#include "device/sysfs.h"
#include "device/vfio-use.h"
#include "check.h"
#include "made-sysfs.h"

#include <fcntl.h>

#define ROOT    "<root>"
#define DEV     "sys/bus/pci/devices/0000:01:00.0"
#define SIBLING "sys/bus/pci/devices/0000:01:00.1"

static struct vfa_sysfs made, sysfs;

static const struct {
    const char *label, *driver, *target, *status, *found;
} cases[] = {
    {"its group", "vfio-pci", "/dev/vfio/12", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"with a variant of the driver", "mlx5_vfio_pci", "/dev/vfio/12", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"a kernel that tells no power", "vfio-pci", "/dev/vfio/12", NULL,
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"its own file", "vfio-pci", "/dev/vfio/devices/vfio3", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/devices/vfio3 open"},
    {"without an IOMMU", "vfio-pci", "/dev/vfio/noiommu-12", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/noiommu-12 open"},
    {"deleted since", "vfio-pci", "/dev/vfio/12 (deleted)", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"its own file, deleted since", "vfio-pci", "/dev/vfio/devices/vfio3 (deleted)", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/devices/vfio3 open"},
    {"below another root", "vfio-pci", ROOT "/dev/vfio/12", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"a file that is called so", "vfio-pci", ROOT "/copy/dev/vfio/12", "active", ""},
    {"a file in another folder", "vfio-pci", "/home/vfio/12", "active", ""},
    {"a folder in it", "vfio-pci", "/dev/vfio/12/x", "active", ""},
    {"a name with more behind", "vfio-pci", "/dev/vfio/12 (kept)", "active", ""},
    {"one that begins alike", "vfio-pci", "/dev/vfio/123", "active", ""},
    {"one that ends alike", "vfio-pci", "/dev/vfio/112", "active", ""},
    {"another device's own file", "vfio-pci", "/dev/vfio/devices/vfio12", "active", ""},
    {"the container's file", "vfio-pci", "/dev/vfio/vfio", "active", ""},
    {"another file", "vfio-pci", "/home/12", "active", ""},
    {"a suspended device is not looked for", "vfio-pci", "/dev/vfio/12", "suspended", ""},
    {"a VFIO driver by another name", "nvidia", "/dev/vfio/12", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"its own file", "nvidia", "/dev/vfio/devices/vfio3", "active",
     "process 77 (dpdk-testpmd) has /dev/vfio/devices/vfio3 open"},
    {"another driver", "igbvf", "/dev/vfio/12", "active", ""},
    {"no driver", NULL, "/dev/vfio/12", "active", ""},
};

/* Drivers of the host make no VFIO devices. */
static bool is_host_driver(const char *driver)
{
    return driver && (strncmp(driver, "igb", 3) == 0 || strcmp(driver, "pcieport") == 0);
}

/* ROOT is replaced by the folder of this test. */
static void make_target(char *buf, size_t size, const char *target)
{
    bool below = strncmp(target, ROOT, strlen(ROOT)) == 0;

    snprintf(buf, size, "%s%s", below ? made_root : "", below ? target + strlen(ROOT) : target);
}

static void make_host(size_t i)
{
    char target[128];

    make_target(target, sizeof(target), cases[i].target);
    made_without("sys/bus");
    made_without("proc");
    made_folder(DEV);
    if (!is_host_driver(cases[i].driver))
        made_folder(DEV "/vfio-dev/vfio3");
    if (cases[i].status)
        made_file(DEV "/power/runtime_status", cases[i].status);
    made_file("proc/meminfo", "none");
    made_link("proc/self/fd/3", "/dev/vfio/12");
    made_link("proc/1/fd/0", "/dev/null");
    made_file("proc/77/comm", "dpdk-testpmd");
    made_link("proc/77/fd/0", "socket:[4711]");
    made_link("proc/77/fd/9", target);
    made_folder("proc/78");
}

static void test_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vfa_vfio_files files = {.items = NULL};
        const struct vfa_device dev = {
            .addr = {0, 1, 0, 0}, .iommu_group = 12, .driver = (char *)cases[i].driver};
        char found[160] = "?";

        make_host(i);
        CHECK(vfa_vfio_find(&files, &sysfs, &dev, found, sizeof(found), NULL) == 0 &&
                  strcmp(found, cases[i].found) == 0,
              "%s: %s", cases[i].label, found);
        made_without("proc");
        CHECK(vfa_vfio_find(&files, &sysfs, &dev, found, sizeof(found), NULL) == 0 &&
                  (*found != '\0') == (*cases[i].found != '\0'),
              "%s: read twice", cases[i].label);
        vfa_vfio_files_clear(&files);
        CHECK(vfa_vfio_find(&files, &sysfs, &dev, found, sizeof(found), NULL) == 0 && !*found,
              "%s: no /proc", cases[i].label);
        vfa_vfio_files_clear(&files);
    }
}

/* A program uses one function of an IOMMU group: the kernel gives the whole group to it. */
static const struct {
    const char *label, *driver, *status, *target, *found;
} siblings[] = {
    {"one that is in use", "vfio-pci", "active", "/dev/vfio/12",
     "process 77 (dpdk-testpmd) has /dev/vfio/12 open"},
    {"one that is in use by its own file", "mlx5_vfio_pci", "active", "/dev/vfio/devices/vfio4",
     "process 77 (dpdk-testpmd) has /dev/vfio/devices/vfio4 open"},
    {"one of NVIDIA's driver", "nvidia", "active", "/dev/vfio/devices/vfio4",
     "process 77 (dpdk-testpmd) has /dev/vfio/devices/vfio4 open"},
    {"one that nobody uses", "vfio-pci", "suspended", "/dev/vfio/12", ""},
    {"a bridge", "pcieport", "active", "/dev/vfio/12", ""},
    {"one of a driver of the host", "igb", "active", "/dev/vfio/devices/vfio4", ""},
};

static void test_siblings(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(siblings); i++) {
        struct vfa_vfio_files files = {.items = NULL};
        const struct vfa_device dev = {
            .addr = {0, 1, 0, 0}, .iommu_group = 12, .driver = (char *)"vfio-pci"};
        char found[160] = "?", driver[64];

        snprintf(driver, sizeof(driver), "../../../drivers/%s", siblings[i].driver);
        made_without("sys/bus");
        made_without("sys/kernel");
        made_without("proc");
        made_link(DEV "/driver", "../../../drivers/vfio-pci");
        made_file(DEV "/power/runtime_status", "suspended");
        made_link(DEV "/iommu_group", "../../../../kernel/iommu_groups/12");
        made_link(SIBLING "/driver", driver);
        made_file(SIBLING "/power/runtime_status", siblings[i].status);
        if (!is_host_driver(siblings[i].driver))
            made_folder(SIBLING "/vfio-dev/vfio4");
        made_link("sys/kernel/iommu_groups/12/devices/0000:01:00.0",
                  "../../../../bus/pci/devices/0000:01:00.0");
        made_link("sys/kernel/iommu_groups/12/devices/0000:01:00.1",
                  "../../../../bus/pci/devices/0000:01:00.1");
        made_file("proc/77/comm", "dpdk-testpmd");
        made_link("proc/77/fd/9", siblings[i].target);
        CHECK(vfa_vfio_find(&files, &sysfs, &dev, found, sizeof(found), NULL) == 0 &&
                  strcmp(found, siblings[i].found) == 0,
              "%s: %s", siblings[i].label, found);
        vfa_vfio_files_clear(&files);
    }
}

int main(void)
{
    made = made_begin();
    made_folder("sys");
    made_link("dev/vfio/12", "/dev/null"); /* a node of any kind */
    made_file("copy/dev/vfio/12", "x");
    sysfs.rootfd = openat(made.rootfd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    test_cases();
    test_siblings();
    vfa_sysfs_close(&sysfs);
    made_end(&made);
    return check_result();
}
