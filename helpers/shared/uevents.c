/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See uevents.h. */

#include "uevents.h"

#include "base/clock.h"

#include <poll.h>

bool vfa_uevents_by_udev(void)
{
    return access("/run/udev/control", F_OK) == 0;
}

bool vfa_uevents_is_named(const char *netdev)
{
    struct udev *udev = vfa_uevents_by_udev() ? udev_new() : NULL;
    struct udev_device *device =
        udev ? udev_device_new_from_subsystem_sysname(udev, "net", netdev) : NULL;
    bool is = !udev || (device && udev_device_get_is_initialized(device) > 0);

    udev_device_unref(device); /* takes NULL, as udev_unref() does */
    udev_unref(udev);
    return is;
}

/* Not of subsystem vdpa: each start of a guest may make such a device, and 10,000 of them shall not
 * cause a scan. What makes them is a PCI function (vp_vdpa, an mdev parent: drivers/vfio/mdev/
 * mdev_core.c reports it as a change of the function) or an auxiliary device (subfunctions of mlx5:
 * its drivers/vdpa/mlx5/net/mlx5_vnet.c is a driver of that bus). */
static bool listen_to(struct udev_monitor *monitor)
{
    static const char *const subsystems[] = {"pci", "net", "auxiliary"};
    bool ok = true;

    for (size_t i = 0; i < ARRAY_SIZE(subsystems) && ok; i++)
        ok = udev_monitor_filter_add_match_subsystem_devtype(monitor, subsystems[i], NULL) >= 0;
    return ok && udev_monitor_enable_receiving(monitor) >= 0;
}

struct udev_monitor *vfa_uevents_open(void)
{
    struct udev *udev = udev_new();
    struct udev_monitor *monitor = NULL;

    if (udev)
        monitor = udev_monitor_new_from_netlink(udev, vfa_uevents_by_udev() ? "udev" : "kernel");
    udev_unref(udev); /* the monitor has its own reference */
    if (monitor && !listen_to(monitor))
        monitor = udev_monitor_unref(monitor);
    return monitor;
}

void vfa_uevents_close(struct udev_monitor *monitor)
{
    udev_monitor_unref(monitor);
}

/* False after the deadline. */
static bool wait_for_event(struct udev_monitor *monitor, int64_t deadline)
{
    struct pollfd fd = {.fd = udev_monitor_get_fd(monitor), .events = POLLIN};
    int64_t left = deadline - vfa_clock_ms();
    struct udev_device *device;

    if (left <= 0 || poll(&fd, 1, (int)left) == 0)
        return false;
    while ((device = udev_monitor_receive_device(monitor)))
        udev_device_unref(device);
    return true;
}

bool vfa_uevents_wait(bool (*ready)(void *opaque), void *opaque, unsigned seconds)
{
    struct udev_monitor *monitor = seconds ? vfa_uevents_open() : NULL;
    int64_t deadline = vfa_clock_ms() + (int64_t)seconds * 1000;
    bool is = ready(opaque); /* after opening the monitor, so that no event is lost */

    while (!is && monitor && wait_for_event(monitor, deadline))
        is = ready(opaque);
    vfa_uevents_close(monitor);
    return is;
}
