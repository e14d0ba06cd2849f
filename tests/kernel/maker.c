/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: maker ROOT LIMIT-MS VERB ...
 *
 * The functions of lib/device/vdpa.h, vdpa-node.h and mdev.h as a program, for tests with several
 * processes, and by hand on a real kernel (ROOT: /sys). One verb for each function; `add` takes
 * NAME MGMTDEV and mac=, max_vqp=, mtu=, features=. Prints a line for each device or maker, and the
 * result ("done", "exists", "full", "open", "gone", "absent") with the error's text behind it; exit
 * status 1 and "error: ERRNO: TEXT" for an error.
 */
#include "device/maker.h"
#include "base/common.h"
#include "base/error.h"
#include "device/mdev.h"
#include "device/sysfs.h"
#include "device/vdpa-node.h"
#include "device/vdpa.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static struct vfa_sysfs sysfs;
static unsigned limit_ms;

static const char *function_text(bool has, const struct vfa_pci_addr *addr)
{
    static char buf[VFA_PCI_ADDR_SIZE];

    return has ? vfa_pci_addr_format(addr, buf) : "-";
}

/* ---- vDPA ---- */

static void print_mgmtdev(const struct vfa_vdpa_mgmtdev *mgmtdev)
{
    struct vfa_pci_addr addr;
    bool has = vfa_vdpa_mgmtdev_function(&sysfs, mgmtdev->name, &addr) == 0;

    printf("%s classes=%" PRIx64 " features=%" PRIx64 " max_vqs=%u function=%s\n", mgmtdev->name,
           mgmtdev->classes, mgmtdev->features, mgmtdev->max_vqs, function_text(has, &addr));
}

static int list_mgmtdevs(char **args, struct vfa_error *err)
{
    VFA_AUTO(vfa_vdpa_mgmtdevs_clear) struct vfa_vdpa_mgmtdevs list = {NULL, 0};
    int r = vfa_vdpa_mgmtdevs(&sysfs, limit_ms, &list, err);

    for (size_t i = 0; i < list.n; i++)
        print_mgmtdev(&list.items[i]);
    return r;
}

static int read_mgmtdev(char **args, struct vfa_error *err)
{
    struct vfa_vdpa_mgmtdev mgmtdev;
    int r = vfa_vdpa_read_mgmtdev(&sysfs, args[0], limit_ms, &mgmtdev, err);

    if (r == 0)
        print_mgmtdev(&mgmtdev);
    return r;
}

static void print_device(const struct vfa_vdpa_device *device)
{
    printf("%s mgmtdev=%s id=%u max_vqs=%u\n", device->name, device->mgmtdev, device->id,
           device->max_vqs);
}

static int list_devices(char **args, struct vfa_error *err)
{
    VFA_AUTO(vfa_vdpa_devices_clear) struct vfa_vdpa_devices list = {NULL, 0};
    int r = vfa_vdpa_devices(&sysfs, limit_ms, &list, err);

    for (size_t i = 0; i < list.n; i++)
        print_device(&list.items[i]);
    return r;
}

static int read_device(char **args, struct vfa_error *err)
{
    struct vfa_vdpa_device device;
    int r = vfa_vdpa_read(&sysfs, args[0], limit_ms, &device, err);

    if (r == 0)
        print_device(&device);
    return r;
}

static void set_wanted(struct vfa_vdpa_wanted *wanted, const char *text)
{
    const char *value = strchr(text, '=') ? strchr(text, '=') + 1 : "";

    if (strncmp(text, "mac=", 4) == 0)
        wanted->mac = value;
    else if (strncmp(text, "max_vqp=", 8) == 0)
        wanted->max_vqp = (uint16_t)atoi(value);
    else if (strncmp(text, "mtu=", 4) == 0)
        wanted->mtu = (uint16_t)atoi(value);
    else
        wanted->features = strtoull(value, NULL, 0);
    wanted->has_features = wanted->has_features || strncmp(text, "features=", 9) == 0;
}

static int add_device(char **args, struct vfa_error *err)
{
    struct vfa_vdpa_wanted wanted = {.name = args[0], .mgmtdev = args[1]};

    for (char **arg = args + 2; *arg; arg++)
        set_wanted(&wanted, *arg);
    return vfa_vdpa_add(&sysfs, &wanted, limit_ms, err);
}

static void print_node(const struct vfa_vdpa_node *node)
{
    printf("driver=%s node=%s function=%s\n", node->driver, node->node,
           function_text(node->has_function, &node->function));
}

static int read_node(char **args, struct vfa_error *err)
{
    struct vfa_vdpa_node node;
    int r = vfa_vdpa_node(&sysfs, args[0], &node, err);

    if (r == 0)
        print_node(&node);
    return r;
}

static int bind_device(char **args, struct vfa_error *err)
{
    struct vfa_vdpa_node node;
    int r = vfa_vdpa_bind(&sysfs, args[0], limit_ms, &node, err);

    if (r == 0)
        print_node(&node);
    return r;
}

static int check_device(char **args, struct vfa_error *err)
{
    return vfa_vdpa_check_open(&sysfs, args[0], limit_ms, err);
}

static int delete_device(char **args, struct vfa_error *err)
{
    return vfa_vdpa_delete(&sysfs, args[0], limit_ms, err);
}

/* ---- mediated devices ---- */

static void print_type(const struct vfa_mdev_type *type)
{
    printf("%s/%s name='%s' api=%s available=%u function=%s\n", type->parent, type->type,
           type->name, type->api, type->available,
           function_text(type->has_function, &type->function));
}

static int list_types(char **args, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdev_types_clear) struct vfa_mdev_types list = {NULL, 0};
    int r = vfa_mdev_types(&sysfs, &list, err);

    for (size_t i = 0; i < list.n; i++)
        print_type(&list.items[i]);
    return r;
}

static int read_one_type(char **args, struct vfa_error *err)
{
    struct vfa_mdev_type type;
    int r = vfa_mdev_read_type(&sysfs, args[0], args[1], &type, err);

    if (r == 0)
        print_type(&type);
    return r;
}

static void print_mdev(const struct vfa_mdev *mdev)
{
    printf("%s parent=%s type=%s group=%d function=%s\n", mdev->uuid, mdev->parent, mdev->type,
           mdev->iommu_group, function_text(mdev->has_function, &mdev->function));
}

static int list_mdevs(char **args, struct vfa_error *err)
{
    VFA_AUTO(vfa_mdevs_clear) struct vfa_mdevs list = {NULL, 0};
    int r = vfa_mdevs(&sysfs, &list, err);

    for (size_t i = 0; i < list.n; i++)
        print_mdev(&list.items[i]);
    return r;
}

static int read_one_mdev(char **args, struct vfa_error *err)
{
    struct vfa_mdev mdev;
    int r = vfa_mdev_read(&sysfs, args[0], &mdev, err);

    if (r == 0)
        print_mdev(&mdev);
    return r;
}

static int create_mdev(char **args, struct vfa_error *err)
{
    return vfa_mdev_create(&sysfs, args[0], args[1], args[2], limit_ms, err);
}

static int check_mdev(char **args, struct vfa_error *err)
{
    return vfa_mdev_check_open(&sysfs, args[0], limit_ms, err);
}

static int remove_mdev(char **args, struct vfa_error *err)
{
    return vfa_mdev_remove(&sysfs, args[0], limit_ms, err);
}

static const struct verb {
    const char *name;
    int args; /* at least */
    int (*run)(char **args, struct vfa_error *err);
} verbs[] = {
    {"mgmtdevs", 0, list_mgmtdevs},
    {"mgmtdev", 1, read_mgmtdev},
    {"devices", 0, list_devices},
    {"device", 1, read_device},
    {"add", 2, add_device},
    {"node", 1, read_node},
    {"bind", 1, bind_device},
    {"check-open", 1, check_device},
    {"delete", 1, delete_device},
    {"types", 0, list_types},
    {"type", 2, read_one_type},
    {"mdevs", 0, list_mdevs},
    {"mdev", 1, read_one_mdev},
    {"create", 3, create_mdev},
    {"mdev-check-open", 1, check_mdev},
    {"remove", 1, remove_mdev},
};

static int run_verb(int argc, char **argv, struct vfa_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, argv[3]) == 0 && argc - 4 >= verbs[i].args)
            return verbs[i].run(argv + 4, err);
    }
    return vfa_fail(err, EINVAL, "no verb '%s' with so few arguments", argv[3]);
}

int main(int argc, char **argv)
{
    static const char *const results[] = {"done", "exists", "full", "open", "gone", "absent"};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r;

    if (argc < 4 || vfa_sysfs_open(argv[1], &sysfs, &err) < 0)
        return 2;
    limit_ms = (unsigned)atoi(argv[2]);
    r = run_verb(argc, argv, &err);
    if (r < 0)
        printf("error: %d: %s\n", -r, vfa_error_text(&err));
    else
        printf("%s%s%s\n", results[r], err.code ? ": " : "", err.code ? vfa_error_text(&err) : "");
    vfa_sysfs_close(&sysfs);
    return r < 0;
}
