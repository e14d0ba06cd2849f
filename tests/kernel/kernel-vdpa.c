/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See kernel.h: vDPA devices of the made kernel. The checks and their order are those of
 * drivers/vdpa/vdpa.c of kernel 6.12; the waiting is that of drivers/vhost/vdpa.c.
 *
 * A device is a folder below its management device's parent, a link in bus/vdpa/devices, and a
 * record ../kernel/vdpa/NAME: mgmtdev, path, id, max_vqs, driver, node; mac, max_vqp, mtu, features
 * as given. The record's driver stays until an unbind has waited; the links vanish before.
 */
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MGMTDEV_NEW = 1, MGMTDEV_GET, DEV_NEW, DEV_DEL, DEV_GET };
enum { ATTR_MAC = 10, ATTR_MAX_VQP = 12, ATTR_MTU = 13, ATTR_FEATURES = 20 };

#define BIT(n)   (UINT64_C(1) << (n))
#define VHOST    "vhost_vdpa"
#define F_MTU    BIT(3) /* virtio-net feature bits */
#define F_MAC    BIT(5)
#define F_MQ     BIT(22)
#define NAME_LEN 256

static int refuse(char text[LINE_LEN], int error, const char *why)
{
    snprintf(text, LINE_LEN, "vdpa: %s", why);
    return error;
}

static void record_of(char record[NAME_LEN + 16], const char *folder, const char *name)
{
    snprintf(record, NAME_LEN + 16, "%s/%s", folder, name);
    for (char *p = record + strlen(folder) + 1; (p = strchr(p, '/'));)
        *p = '!';
}

static bool is_device(const char *name)
{
    return name && *name && !strchr(name, '/') && kernel_exists("bus/vdpa/devices/%s", name);
}

static int lock_device(const char *name)
{
    char path[PATH_LEN];

    return kernel_lock(kernel_path(path, "../kernel/vdpa-locks/%s", name));
}

/* ---- drivers ---- */

static void link_driver(const char *name, const char *driver)
{
    char device[PATH_LEN], folder[PATH_LEN], link[PATH_LEN], record[NAME_LEN + 16];
    char path[LINE_LEN];

    record_of(record, "vdpa", name);
    kernel_get(record, "path", path);
    kernel_path(device, "%s", path);
    kernel_path(folder, "bus/vdpa/drivers/%s", driver);
    kernel_link(folder, kernel_path(link, "%s/driver", path));
    kernel_link(device, kernel_path(link, "bus/vdpa/drivers/%s/%s", driver, name));
    kernel_set(record, "driver", driver);
}

static void make_node(const char *name)
{
    unsigned number = kernel_take_number("minor", "../dev/vhost-vdpa-");
    char path[PATH_LEN], folder[LINE_LEN], record[NAME_LEN + 16], node[32];

    record_of(record, "vdpa", name);
    snprintf(node, sizeof(node), "vhost-vdpa-%u", number);
    kernel_put(kernel_path(path, "../dev/%s", node), "");
    kernel_get(record, "path", folder);
    mkdir(kernel_path(path, "%s/%s", folder, node), 0755);
    kernel_set(record, "node", node);
}

static void bind_driver(const char *name, const char *driver)
{
    if (strcmp(driver, VHOST) == 0)
        make_node(name);
    link_driver(name, driver);
}

/* Removes the node, then waits until nobody has it open. */
static void remove_node(const char *record, const char *folder)
{
    char path[PATH_LEN], node[LINE_LEN];
    unsigned number;
    int fd;

    if (!*kernel_get(record, "node", node) || sscanf(node, "vhost-vdpa-%u", &number) != 1)
        return;
    fd = kernel_real_open(kernel_path(path, "../dev/%s", node), O_RDWR);
    unlink(path);
    kernel_rmtree(kernel_path(path, "%s/%s", folder, node));
    while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
        ;
    if (fd >= 0)
        close(fd);
    kernel_set(record, "node", "");
    kernel_release_number("minor", number);
}

/* With the device's lock. */
static void release_driver(const char *name)
{
    char record[NAME_LEN + 16], driver[LINE_LEN], folder[LINE_LEN], path[PATH_LEN];

    record_of(record, "vdpa", name);
    if (!*kernel_get(record, "driver", driver))
        return;
    kernel_get(record, "path", folder);
    unlink(kernel_path(path, "%s/driver", folder));
    unlink(kernel_path(path, "bus/vdpa/drivers/%s/%s", driver, name));
    remove_node(record, folder);
    kernel_set(record, "driver", "");
}

int kernel_vdpa_bind(const char *driver, const char *name)
{
    char text[LINE_LEN], record[NAME_LEN + 16], override[LINE_LEN] = "", path[PATH_LEN];
    int error = kernel_call("bind", name, text), lock, fd;

    if (error || !is_device(name))
        return error ? error : ENODEV;
    lock = lock_device(name);
    record_of(record, "vdpa", name);
    fd = kernel_real_open(kernel_path(path, "bus/vdpa/devices/%s/driver_override", name), O_RDONLY);
    if (fd >= 0 && read(fd, override, sizeof(override) - 1) < 0)
        *override = '\0';
    if (fd >= 0)
        close(fd);
    override[strcspn(override, "\n")] = '\0';
    if (*override && strcmp(override, "(null)") != 0 && strcmp(override, driver) != 0)
        error = ENODEV;
    else if (*kernel_get(record, "driver", text))
        error = EBUSY;
    else
        bind_driver(name, driver);
    close(lock);
    return error;
}

int kernel_vdpa_unbind(const char *driver, const char *name)
{
    char text[LINE_LEN], record[NAME_LEN + 16];
    int error = kernel_call("unbind", name, text), lock;

    record_of(record, "vdpa", name);
    if (error || !is_device(name) || strcmp(kernel_get(record, "driver", text), driver) != 0)
        return error ? error : ENODEV;
    lock = lock_device(name);
    if (strcmp(kernel_get(record, "driver", text), driver) == 0)
        release_driver(name);
    close(lock);
    return 0;
}

/* The first driver that is loaded takes a new device. */
static void probe(const char *name)
{
    char drivers[LINE_LEN], *comma;

    kernel_get("drivers", "load", drivers);
    comma = strchr(drivers, ',');
    if (comma)
        *comma = '\0';
    if (*drivers)
        bind_driver(name, drivers);
}

/* ---- telling ---- */

static void add_u32(struct kernel_reply *reply, unsigned attr, uint32_t value)
{
    kernel_add(reply, attr, &value, sizeof(value));
}

static void add_u64(struct kernel_reply *reply, unsigned attr, uint64_t value)
{
    kernel_add(reply, attr, &value, sizeof(value));
}

static void add_handle(struct kernel_reply *reply, const char *handle)
{
    const char *sep = strpbrk(handle, "/!");
    char bus[NAME_LEN];

    snprintf(bus, sizeof(bus), "%.*s", sep ? (int)(sep - handle) : 0, handle);
    if (sep)
        kernel_add(reply, 1, bus, strlen(bus) + 1);
    handle = sep ? sep + 1 : handle;
    kernel_add(reply, 2, handle, strlen(handle) + 1);
}

static int tell_mgmtdev(struct kernel_reply *reply, const char *handle)
{
    char record[NAME_LEN + 16];

    record_of(record, "mgmtdev", handle);
    kernel_begin(reply, MGMTDEV_NEW);
    add_handle(reply, handle);
    add_u64(reply, 3, kernel_number(record, "classes"));
    add_u32(reply, 15, (uint32_t)kernel_number(record, "max_vqs"));
    add_u64(reply, 16, kernel_number(record, "features"));
    kernel_end(reply);
    return 0;
}

static int tell_device(struct kernel_reply *reply, const char *name)
{
    char record[NAME_LEN + 16], handle[LINE_LEN];
    const uint16_t max_size = 256, min_size = 1;

    record_of(record, "vdpa", name);
    kernel_begin(reply, DEV_NEW);
    add_handle(reply, kernel_get(record, "mgmtdev", handle));
    kernel_add(reply, 4, name, strlen(name) + 1);
    add_u32(reply, 5, (uint32_t)kernel_number(record, "id"));
    add_u32(reply, 6, 0);
    add_u32(reply, 7, (uint32_t)kernel_number(record, "max_vqs"));
    kernel_add(reply, 8, &max_size, sizeof(max_size));
    kernel_add(reply, 9, &min_size, sizeof(min_size));
    kernel_end(reply);
    return 0;
}

static int tell_all(struct kernel_reply *reply, const char *folder,
                    int (*tell)(struct kernel_reply *reply, const char *name))
{
    char path[PATH_LEN];
    DIR *dir = opendir(kernel_path(path, "%s", folder));
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            tell(reply, entry->d_name);
    }
    if (dir)
        closedir(dir);
    return 0;
}

/* ---- making ---- */

static bool handle_of(const struct kernel_attrs *attrs, char handle[NAME_LEN])
{
    char record[NAME_LEN + 16];

    if (!attrs->dev)
        return false;
    snprintf(handle, NAME_LEN, "%s%s%s", attrs->bus ? attrs->bus : "", attrs->bus ? "/" : "",
             attrs->dev);
    record_of(record, "mgmtdev", handle);
    return kernel_exists("../kernel/%s", record);
}

static uint64_t missing_features(const struct kernel_attrs *attrs)
{
    uint64_t wanted = (attrs->mac ? F_MAC : 0) | (attrs->has_mtu ? F_MTU : 0) |
                      (attrs->has_max_vqp && attrs->max_vqp > 1 ? F_MQ : 0);

    return attrs->has_features ? wanted & ~attrs->features : 0;
}

static uint64_t mask_of(const struct kernel_attrs *attrs)
{
    return (attrs->mac ? BIT(ATTR_MAC) : 0) | (attrs->has_max_vqp ? BIT(ATTR_MAX_VQP) : 0) |
           (attrs->has_mtu ? BIT(ATTR_MTU) : 0) | (attrs->has_features ? BIT(ATTR_FEATURES) : 0);
}

static void make_folder(const char *name, const char *path)
{
    char full[PATH_LEN], link[PATH_LEN];

    mkdir(kernel_path(full, "%s", path), 0755);
    kernel_put(kernel_path(link, "%s/driver_override", path), "(null)\n");
    kernel_put(kernel_path(link, "%s/uevent", path), "");
    kernel_link(full, kernel_path(link, "bus/vdpa/devices/%s", name));
}

static void make_record(const struct kernel_attrs *attrs, const char *handle, const char *path)
{
    char mgmtdev[NAME_LEN + 16], text[2048], file[PATH_LEN];
    const unsigned char *m = attrs->mac;
    size_t n;

    record_of(mgmtdev, "mgmtdev", handle);
    n = (size_t)snprintf(text, sizeof(text), "mgmtdev %s\npath %s\nid %d\nmax_vqs %llu\n", handle,
                         path, kernel_number(mgmtdev, "classes") & BIT(1) ? 1 : 2,
                         (unsigned long long)kernel_number(mgmtdev, "max_vqs"));
    if (m)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "mac %02x:%02x:%02x:%02x:%02x:%02x\n",
                              m[0], m[1], m[2], m[3], m[4], m[5]);
    if (attrs->has_max_vqp)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "max_vqp %u\n", attrs->max_vqp);
    if (attrs->has_mtu)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "mtu %u\n", attrs->mtu);
    if (attrs->has_features)
        snprintf(text + n, sizeof(text) - n, "features 0x%llx\n",
                 (unsigned long long)attrs->features);
    kernel_put(kernel_path(file, "../kernel/vdpa/%s", attrs->name), text);
}

static int make(const struct kernel_attrs *attrs, const char *handle)
{
    char record[NAME_LEN + 16], path[LINE_LEN + NAME_LEN], parent[LINE_LEN];
    uint64_t limit, have;

    record_of(record, "mgmtdev", handle);
    limit = kernel_number(record, "max_devices");
    have = kernel_number(record, "devices");
    if (limit && have >= limit)
        return ENOSPC; /* the driver's errno, without a text */
    if (is_device(attrs->name))
        return EEXIST;
    snprintf(path, sizeof(path), "%s/%s", kernel_get(record, "parent", parent), attrs->name);
    make_record(attrs, handle, path);
    make_folder(attrs->name, path);
    kernel_set_number(record, "devices", have + 1);
    probe(attrs->name);
    return 0;
}

static int check_and_make(const struct kernel_attrs *attrs, char text[LINE_LEN])
{
    char handle[NAME_LEN], record[NAME_LEN + 16], why[128];
    uint64_t refused;

    if (!attrs->name || (attrs->has_mtu && attrs->mtu < 68))
        return EINVAL;
    if (attrs->has_max_vqp && !attrs->max_vqp)
        return refuse(text, EINVAL, "At least one pair of VQs is required");
    if (missing_features(attrs)) {
        snprintf(why, sizeof(why), "Missing features 0x%llx for provided attributes",
                 (unsigned long long)missing_features(attrs));
        return refuse(text, EINVAL, why);
    }
    if (!handle_of(attrs, handle))
        return refuse(text, ENODEV, "Fail to find the specified management device");
    record_of(record, "mgmtdev", handle);
    refused = mask_of(attrs) & ~kernel_number(record, "takes");
    if (refused) {
        snprintf(why, sizeof(why), "Some provided attributes are not supported: 0x%llx",
                 (unsigned long long)refused);
        return refuse(text, EOPNOTSUPP, why);
    }
    return make(attrs, handle);
}

/* ---- deleting ---- */

static int delete (const char *name, char text[LINE_LEN])
{
    char record[NAME_LEN + 16], mgmtdev[NAME_LEN + 16], path[PATH_LEN], value[LINE_LEN];
    int lock;

    if (!is_device(name))
        return refuse(text, ENODEV, "device not found");
    record_of(record, "vdpa", name);
    unlink(kernel_path(path, "bus/vdpa/devices/%s", name));
    lock = lock_device(name);
    release_driver(name);
    kernel_rmtree(kernel_path(path, "%s", kernel_get(record, "path", value)));
    record_of(mgmtdev, "mgmtdev", kernel_get(record, "mgmtdev", value));
    kernel_set_number(mgmtdev, "devices", kernel_number(mgmtdev, "devices") - 1);
    unlink(kernel_path(path, "../kernel/%s", record));
    unlink(kernel_path(path, "../kernel/vdpa-locks/%s", name));
    close(lock);
    return 0;
}

/* ---- one request ---- */

static int get_mgmtdev(bool dump, const struct kernel_attrs *attrs, struct kernel_reply *reply,
                       char text[LINE_LEN])
{
    char handle[NAME_LEN];
    int error = kernel_call("mgmtdev", dump || !attrs->dev ? "*" : attrs->dev, text);

    if (error)
        return error;
    if (dump)
        return tell_all(reply, "../kernel/mgmtdev", tell_mgmtdev);
    if (!handle_of(attrs, handle))
        return refuse(text, ENODEV, "Fail to find the specified mgmt device");
    return tell_mgmtdev(reply, handle);
}

static int get_device(bool dump, const struct kernel_attrs *attrs, struct kernel_reply *reply,
                      char text[LINE_LEN])
{
    int error = kernel_call("get", dump || !attrs->name ? "*" : attrs->name, text);

    if (error)
        return error;
    if (dump)
        return tell_all(reply, "bus/vdpa/devices", tell_device);
    if (!is_device(attrs->name))
        return refuse(text, ENODEV, "device not found");
    return tell_device(reply, attrs->name);
}

int kernel_vdpa(unsigned command, bool dump, const struct kernel_attrs *attrs,
                struct kernel_reply *reply, char text[LINE_LEN])
{
    const char *name = attrs->name ? attrs->name : "-";
    int error;

    switch (command) {
    case MGMTDEV_GET:
        return get_mgmtdev(dump, attrs, reply, text);
    case DEV_GET:
        return get_device(dump, attrs, reply, text);
    case DEV_NEW:
        error = kernel_call("new", name, text);
        return error ? error : check_and_make(attrs, text);
    case DEV_DEL:
        error = kernel_call("del", name, text);
        return error ? error : delete (name, text);
    default:
        return EOPNOTSUPP;
    }
}
