/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes of drivers, by name. */

#include "base/common.h"
#include "device/driver.h"
#include "check.h"

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

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        const char *name = drivers[i].name;

        CHECK(vfa_driver_is_vfio(name) == drivers[i].vfio, "%s", name ? name : "none");
        CHECK(vfa_driver_gives_away(name) == drivers[i].gives_away, "%s", name ? name : "none");
        CHECK(vfa_driver_shares_group(name) == drivers[i].shares_group, "%s", name ? name : "none");
    }
    return check_result();
}
