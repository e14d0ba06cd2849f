/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See driver.h. */

#include "driver.h"

#include "sysfs.h"

#include <string.h>

bool vfa_driver_is_vfio(const char *driver)
{
    return driver && strstr(driver, "vfio");
}

bool vfa_driver_has_vfio(int device_fd, const char *driver)
{
    char entry[16];

    return vfa_driver_is_vfio(driver) ||
           (driver && vfa_sysfs_first_entry(device_fd, "vfio-dev", entry, sizeof(entry)) == 0);
}

static bool is_stub(const char *driver)
{
    return driver && strcmp(driver, "pci-stub") == 0;
}

/* uio_pci_generic, and DPDK's igb_uio */
static bool is_uio(const char *driver)
{
    return driver && (strncmp(driver, "uio", 3) == 0 || strcmp(driver, "igb_uio") == 0);
}

bool vfa_driver_gives_away(const char *driver)
{
    return vfa_driver_is_vfio(driver) || is_uio(driver) || is_stub(driver);
}

bool vfa_driver_shares_group(const char *driver)
{
    return !driver || vfa_driver_is_vfio(driver) || is_stub(driver);
}
