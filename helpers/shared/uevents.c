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

static bool listen_to(struct udev_monitor *monitor)
{
    return udev_monitor_filter_add_match_subsystem_devtype(monitor, "pci", NULL) >= 0 &&
           udev_monitor_filter_add_match_subsystem_devtype(monitor, "net", NULL) >= 0 &&
           udev_monitor_enable_receiving(monitor) >= 0;
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
