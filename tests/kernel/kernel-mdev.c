/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See kernel.h: mediated devices of the made kernel, as in drivers/vfio/mdev. A device is a folder
 * in its parent's, a link in bus/mdev/devices, an IOMMU group with a node, and a record
 * ../kernel/mdev-devices/UUID: parent, type, units, group.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void parent_record(char record[128], const char *parent)
{
    snprintf(record, 128, "mdev/%s", parent);
}

static void device_record(char record[128], const char *uuid)
{
    snprintf(record, 128, "mdev-devices/%s", uuid);
}

static int lock_mdevs(void)
{
    char path[PATH_LEN];

    return kernel_lock(kernel_path(path, "../kernel/lock.mdev"));
}

/* ---- units ---- */

/* Calls `visit` for each "TYPE:UNITS" of a parent. */
static void each_type(const char *parent,
                      void (*visit)(const char *, const char *, unsigned, void *), void *arg)
{
    char record[128], types[LINE_LEN], *rest = types, *entry;

    parent_record(record, parent);
    kernel_get(record, "types", types);
    while ((entry = strsep(&rest, ","))) {
        char *units = strchr(entry, ':');

        if (units) {
            *units = '\0';
            visit(parent, entry, (unsigned)atoi(units + 1), arg);
        }
    }
}

struct wanted_type {
    const char *type;
    unsigned units; /* 0: no such type */
};

static void find_type(const char *parent, const char *type, unsigned units, void *arg)
{
    struct wanted_type *wanted = arg;

    (void)parent;
    if (strcmp(type, wanted->type) == 0)
        wanted->units = units;
}

static void tell_available(const char *parent, const char *type, unsigned units, void *arg)
{
    char path[PATH_LEN], text[32], folder[LINE_LEN], record[128];

    parent_record(record, parent);
    kernel_get(record, "path", folder);
    snprintf(text, sizeof(text), "%u\n", *(unsigned *)arg / units);
    kernel_put(kernel_path(path, "%s/mdev_supported_types/%s/available_instances", folder, type),
               text);
}

static void set_free(const char *parent, unsigned units)
{
    char record[128];

    parent_record(record, parent);
    kernel_set_number(record, "free", units);
    each_type(parent, tell_available, &units);
}

/* ---- making and removing ---- */

static void make_group(unsigned group, const char *folder)
{
    char path[PATH_LEN], target[PATH_LEN];

    mkdir(kernel_path(target, "kernel/iommu_groups/%u", group), 0755);
    mkdir(kernel_path(path, "kernel/iommu_groups/%u/devices", group), 0755);
    kernel_link(target, kernel_path(path, "%s/iommu_group", folder));
    kernel_put(kernel_path(path, "../dev/vfio/%u", group), "");
    mkdir(kernel_path(path, "class/vfio/%u", group), 0755);
}

static void make_device(const char *parent, const char *type, const char *uuid, unsigned group)
{
    char record[128], base[LINE_LEN], folder[2 * LINE_LEN], path[PATH_LEN], target[PATH_LEN];

    parent_record(record, parent);
    kernel_get(record, "path", base);
    snprintf(folder, sizeof(folder), "%s/%s", base, uuid);
    mkdir(kernel_path(path, "%s", folder), 0755);
    kernel_put(kernel_path(path, "%s/remove", folder), "");
    kernel_path(target, "%s/mdev_supported_types/%s", base, type);
    kernel_link(target, kernel_path(path, "%s/mdev_type", folder));
    kernel_path(target, "%s", folder);
    kernel_link(target, kernel_path(path, "bus/mdev/devices/%s", uuid));
    kernel_link(target,
                kernel_path(path, "%s/mdev_supported_types/%s/devices/%s", base, type, uuid));
    make_group(group, folder);
}

static void make_device_record(const char *parent, const char *type, const char *uuid,
                               unsigned units, unsigned group)
{
    char text[LINE_LEN], record[128], path[PATH_LEN];

    device_record(record, uuid);
    snprintf(text, sizeof(text), "parent %s\ntype %s\nunits %u\ngroup %u\n", parent, type, units,
             group);
    kernel_put(kernel_path(path, "../kernel/%s", record), text);
}

static int create(const char *parent, const char *type, const char *uuid)
{
    struct wanted_type wanted = {.type = type};
    char record[128];
    unsigned left, group;

    device_record(record, uuid);
    if (kernel_exists("../kernel/%s", record))
        return EEXIST;
    each_type(parent, find_type, &wanted);
    if (!wanted.units)
        return ENODEV;
    parent_record(record, parent);
    left = (unsigned)kernel_number(record, "free");
    if (left < wanted.units)
        return kernel_number(record, "full") ? (int)kernel_number(record, "full") : ENOSPC;
    group = kernel_take_number("group", "kernel/iommu_groups/");
    make_device_record(parent, type, uuid, wanted.units, group);
    make_device(parent, type, uuid, group);
    set_free(parent, left - wanted.units);
    return 0;
}

int kernel_mdev_create(const char *parent, const char *type, const char *uuid)
{
    char text[LINE_LEN];
    int error = kernel_call("create", uuid, text), lock;

    if (error || strlen(uuid) != 36)
        return error ? error : EINVAL;
    lock = lock_mdevs();
    error = create(parent, type, uuid);
    close(lock);
    return error;
}

static void wait_for_files(unsigned group)
{
    char path[PATH_LEN];
    int fd = kernel_real_open(kernel_path(path, "../kernel/vfio/%u", group), O_RDWR);

    while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
        ;
    if (fd >= 0)
        close(fd);
    unlink(path);
}

static void remove_group(unsigned group)
{
    char path[PATH_LEN];

    unlink(kernel_path(path, "../dev/vfio/%u", group));
    rmdir(kernel_path(path, "class/vfio/%u", group));
    kernel_rmtree(kernel_path(path, "kernel/iommu_groups/%u", group));
    kernel_release_number("group", group);
}

static void finish_removal(const char *parent, const char *uuid, unsigned group)
{
    char record[128], device[128], base[LINE_LEN], path[PATH_LEN];
    int lock = lock_mdevs();

    parent_record(record, parent);
    device_record(device, uuid);
    kernel_rmtree(kernel_path(path, "%s/%s", kernel_get(record, "path", base), uuid));
    remove_group(group);
    set_free(parent, (unsigned)(kernel_number(record, "free") + kernel_number(device, "units")));
    unlink(kernel_path(path, "../kernel/%s", device));
    close(lock);
}

/* First the links vanish, then it waits, then the rest goes. */
int kernel_mdev_remove(const char *parent, const char *uuid)
{
    char text[LINE_LEN], record[128], type[LINE_LEN], base[LINE_LEN], path[PATH_LEN];
    int error = kernel_call("remove", uuid, text);
    unsigned group;

    device_record(record, uuid);
    if (error || !kernel_exists("bus/mdev/devices/%s", uuid))
        return error ? error : ENODEV;
    group = (unsigned)kernel_number(record, "group");
    kernel_get(record, "type", type);
    parent_record(record, parent);
    kernel_get(record, "path", base);
    unlink(kernel_path(path, "%s/%s/mdev_type", base, uuid));
    unlink(kernel_path(path, "%s/mdev_supported_types/%s/devices/%s", base, type, uuid));
    unlink(kernel_path(path, "bus/mdev/devices/%s", uuid));
    wait_for_files(group);
    finish_removal(parent, uuid, group);
    return 0;
}
