/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes of drivers, by name, and by the folder that a VFIO driver makes. */

#include "base/common.h"
#include "device/driver.h"
#include "device/sysfs.h"
#include "check.h"
#include "made-sysfs.h"

static const struct {
    const char *name;
    bool vfio, gives_away, shares_group;
} drivers[] = {
    {NULL, false, false, true},
    {"vfio-pci", true, true, true},
    {"mlx5_vfio_pci", true, true, true},
    {"hisi_acc_vfio_pci", true, true, true},
    {"nvgrace_gpu_vfio_pci", true, true, true},
    {"virtio_vfio_pci", true, true, true},
    {"qat_vfio_pci", true, true, true},
    {"xe-vfio-pci", true, true, true},
    {"pds-vfio-pci", true, true, true},
    {"pci-stub", false, true, true},
    {"uio_pci_generic", false, true, false},
    {"igb_uio", false, true, false},
    {"igbvf", false, false, false},
    {"mlx5_core", false, false, false},
    {"virtio-pci", false, false, false},
};

/* NVIDIA's driver is called the same for VFs with and without a VFIO device. */
static void test_folder(void)
{
    struct vfa_sysfs sysfs = made_begin();

    CHECK(!vfa_driver_has_vfio(sysfs.rootfd, "nvidia"), "no folder");
    CHECK(vfa_driver_has_vfio(sysfs.rootfd, "vfio-pci"), "its name says so: kernel 6.0");
    made_folder("vfio-dev");
    CHECK(!vfa_driver_has_vfio(sysfs.rootfd, "nvidia"), "an empty folder");
    made_folder("vfio-dev/vfio7");
    CHECK(vfa_driver_has_vfio(sysfs.rootfd, "nvidia"), "a device");
    CHECK(!vfa_driver_has_vfio(sysfs.rootfd, NULL), "no driver");
    made_end(&sysfs);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        const char *name = drivers[i].name;

        CHECK(vfa_driver_is_vfio(name) == drivers[i].vfio, "%s", name ? name : "none");
        CHECK(vfa_driver_gives_away(name) == drivers[i].gives_away, "%s", name ? name : "none");
        CHECK(vfa_driver_shares_group(name) == drivers[i].shares_group, "%s", name ? name : "none");
    }
    test_folder();
    return check_result();
}
