/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hotplug events of PCI devices, of network interfaces, and of what makes devices (vDPA, mdev):
 * from udevd after its rules have run, or from the kernel if no udevd runs.
 */
#ifndef VFA_SHARED_UEVENTS_H
#define VFA_SHARED_UEVENTS_H

#include "base/common.h"

#include <libudev.h>

/* True if udevd runs. udevd renames interfaces before it forwards their events. */
bool vfa_uevents_by_udev(void);

/* False if udevd may still rename the network interface. */
bool vfa_uevents_is_named(const char *netdev);

/* NULL on failure. Close with vfa_uevents_close(), which takes NULL. */
struct udev_monitor *vfa_uevents_open(void);
void vfa_uevents_close(struct udev_monitor *monitor);

/* Calls ready() now and after each event, until it returns true or `seconds` have passed. Returns
 * the last result of ready(). */
bool vfa_uevents_wait(bool (*ready)(void *opaque), void *opaque, unsigned seconds);

#endif
