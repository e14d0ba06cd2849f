/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebuilds the index after uevents of hardware (helpers/shared/uevents.h). They come in bursts (a PF
 * creates 64 VFs), so the index is rebuilt once for all events within DEBOUNCE_MS of the first.
 *
 * This only saves time: a hook that finds the index stale scans by itself. So no failure here is an
 * error.
 */

#include "uevent.h"

#include "helpers/shared/log.h"
#include "helpers/shared/uevents.h"
#include "daemon.h"
#include "queue.h"

#include <errno.h>
#include <string.h>

#define DEBOUNCE_MS 200

struct source {
    struct vfa_daemon *daemon;
    struct udev_monitor *monitor;
    int timer;
    bool armed;
};

static void on_debounced(int timer, void *opaque)
{
    struct source *source = opaque;

    virEventUpdateTimeout(timer, -1);
    source->armed = false;
    vfa_queue_add(source->daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_RESCAN, 0);
}

/* Each start of a guest creates a tap device or a bridge port: these are no hardware. */
static bool is_hardware(struct udev_device *device)
{
    const char *path = udev_device_get_devpath(device);

    return !path || strncmp(path, "/devices/virtual/", strlen("/devices/virtual/")) != 0;
}

static void on_uevent(int id, int fd, int events, void *opaque)
{
    struct source *source = opaque;
    struct udev_device *device;
    bool hardware = false;

    while ((device = udev_monitor_receive_device(source->monitor))) {
        hardware = hardware || is_hardware(device);
        udev_device_unref(device);
    }
    if (!hardware || source->armed)
        return;
    virEventUpdateTimeout(source->timer, DEBOUNCE_MS);
    source->armed = true;
}

static void source_free(void *opaque)
{
    struct source *source = opaque;

    if (source->timer >= 0)
        virEventRemoveTimeout(source->timer);
    vfa_uevents_close(source->monitor);
    free(source);
}

static bool open_source(struct source *source)
{
    if (!vfa_uevents_by_udev())
        vfa_log(LOG_DEBUG, "udevd does not run: using the kernel's own events");
    source->monitor = vfa_uevents_open();
    if (!source->monitor)
        return false;
    source->timer = virEventAddTimeout(-1, on_debounced, source, NULL);
    return source->timer >= 0 &&
           virEventAddHandle(udev_monitor_get_fd(source->monitor), VIR_EVENT_HANDLE_READABLE,
                             on_uevent, source, source_free) >= 0;
}

void vfa_daemon_watch_uevents(struct vfa_daemon *daemon)
{
    struct source *source = calloc(1, sizeof(*source));

    if (!source)
        return;
    source->daemon = daemon;
    source->timer = -1;
    if (!open_source(source)) {
        vfa_log(LOG_DEBUG, "no uevents: changes of the hardware are seen at the next rescan");
        source_free(source);
    }
}
