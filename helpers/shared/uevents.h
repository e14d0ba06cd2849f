/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of hardware that comes and goes: PCI devices and network interfaces, as udevd passes them
 * on when it is done with them, or as the kernel sends them where no udevd runs.
 */
#ifndef VFA_SHARED_UEVENTS_H
#define VFA_SHARED_UEVENTS_H

#include "base/common.h"

#include <libudev.h>

/* True if udevd runs: it names interfaces before it passes events on. */
bool vfa_uevents_by_udev(void);

/* False of a network interface that udevd is about to give another name. */
bool vfa_uevents_is_named(const char *netdev);

/* NULL if it cannot be had. Close with vfa_uevents_close(), which takes NULL. */
struct udev_monitor *vfa_uevents_open(void);
void vfa_uevents_close(struct udev_monitor *monitor);

/* Waits until ready() says so, which is asked at once and after each event; for `seconds` at most.
 * What it said last. */
bool vfa_uevents_wait(bool (*ready)(void *opaque), void *opaque, unsigned seconds);

#endif
