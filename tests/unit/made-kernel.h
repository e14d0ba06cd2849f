/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with the made kernel (tests/kernel/kernel.h) for unit tests, which are linked with it: two
 * management devices, three parents of mediated devices. Include made-sysfs.h's functions with
 * "sys/", "dev/" or "kernel/" in front of the path. */
#ifndef VFA_MADE_KERNEL_UNIT_H
#define VFA_MADE_KERNEL_UNIT_H

#include "base/common.h"
#include "device/sysfs.h"
#include "check.h"
#include "made-sysfs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define LIMIT 10000 /* ms, for calls that return */
#define SHORT 300   /* ms, for calls that do not */

#define FUNCTION "devices/pci0000:3a/0000:3a:00.0/0000:3b:00.2"

static struct vfa_sysfs sysfs;

static inline void made_mgmtdev(const char *name, const char *parent, unsigned max_devices,
                                const char *takes)
{
    char path[128], text[512];

    snprintf(path, sizeof(path), "kernel/mgmtdev/%s", name);
    snprintf(text, sizeof(text),
             "parent %s\nclasses 2\nfeatures 0x300020\nmax_vqs 3\nmax_devices %u\ntakes %s", parent,
             max_devices, takes);
    made_file(path, text);
}

static inline void made_parent(const char *name, const char *path, const char *types)
{
    char file[160], text[512], link[512];

    snprintf(file, sizeof(file), "kernel/mdev/%s", name);
    snprintf(text, sizeof(text), "path %s\nfree 4\ntypes %s", path, types);
    made_file(file, text);
    snprintf(link, sizeof(link), "../../%s", path);
    snprintf(file, sizeof(file), "sys/class/mdev_bus/%s", name);
    made_link(file, link);
}

static inline void made_type(const char *parent, const char *type, const char *name,
                             const char *available)
{
    char path[256];

    snprintf(path, sizeof(path), "sys/%s/mdev_supported_types/%s/devices", parent, type);
    made_folder(path);
    snprintf(path, sizeof(path), "sys/%s/mdev_supported_types/%s/available_instances", parent,
             type);
    made_file(path, available);
    snprintf(path, sizeof(path), "sys/%s/mdev_supported_types/%s/create", parent, type);
    made_file(path, "");
    if (*name) {
        snprintf(path, sizeof(path), "sys/%s/mdev_supported_types/%s/name", parent, type);
        made_file(path, name);
        snprintf(path, sizeof(path), "sys/%s/mdev_supported_types/%s/device_api", parent, type);
        made_file(path, "vfio-pci");
    }
}

static inline void made_vdpa_host(void)
{
    made_folder("sys/bus/vdpa/devices");
    made_file("sys/bus/vdpa/drivers/vhost_vdpa/bind", "");
    made_file("sys/bus/vdpa/drivers/vhost_vdpa/unbind", "");
    made_file("sys/bus/vdpa/drivers/virtio_vdpa/bind", "");
    made_file("sys/bus/vdpa/drivers/virtio_vdpa/unbind", "");
    made_file("kernel/drivers", "load vhost_vdpa");
    made_folder("kernel/vdpa");
    made_folder("kernel/vdpa-locks");
    made_folder("sys/devices/vdpasim_net");
    made_folder("sys/" FUNCTION);
    made_link("sys/bus/pci/devices/0000:3b:00.2", "../../../" FUNCTION);
    made_mgmtdev("vdpasim_net", "devices/vdpasim_net", 0, "0x102400");
    made_mgmtdev("pci!0000:3b:00.2", FUNCTION, 2, "0x103400");
}

static inline void made_mdev_host(void)
{
    made_folder("sys/bus/mdev/devices");
    made_folder("sys/kernel/iommu_groups/0");
    made_folder("sys/class/vfio");
    made_folder("kernel/mdev-devices");
    made_folder("kernel/vfio");
    made_folder("dev/vfio");
    made_folder("sys/" FUNCTION);
    made_type("devices/virtual/mtty/mtty", "mtty-1", "Single port serial", "4");
    made_type("devices/virtual/mtty/mtty", "mtty-2", "Dual port serial", "2");
    made_parent("mtty", "devices/virtual/mtty/mtty", "mtty-1:1,mtty-2:2");
    made_type(FUNCTION, "nvidia-63", "", "4");
    made_parent("0000:3b:00.2", FUNCTION, "nvidia-63:1");
}

/* Makes the host, without vDPA and mediated devices. */
static inline void made_kernel_begin(void)
{
    struct vfa_sysfs top = made_begin();
    char root[sizeof(made_root) + 8];

    vfa_sysfs_close(&top);
    made_folder("sys");
    made_folder("dev");
    made_folder("kernel/mgmtdev");
    made_file("kernel/hints", "");
    snprintf(root, sizeof(root), "%s/sys", made_root);
    if (vfa_sysfs_open(root, &sysfs, NULL) < 0 || setenv("VFA_MADE_KERNEL", root, 1) < 0)
        made_give_up(root);
}

/* ---- what other programs do ---- */

/* Locks a file of the made kernel, as a guest that has a node open. close() ends that. */
static inline int made_hold(const char *path)
{
    char full[256];
    int fd;

    made_path(full, sizeof(full), path);
    fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        made_give_up(full);
    return fd;
}

/* Whether the made kernel was asked for this ("get *"). */
static inline bool made_called(const char *call)
{
    char path[256], line[256];
    bool found = false;
    FILE *file;

    made_path(path, sizeof(path), "kernel/calls");
    file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        found = strcmp(line, call) == 0;
    }
    if (file)
        fclose(file);
    return found;
}

/* Waits until another process has made the call. */
static inline void made_wait_called(const char *call)
{
    while (!made_called(call))
        usleep(1000);
}

#endif
