/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices, with the made kernel (tests/kernel). */

#include "base/common.h"
#include "base/error.h"
#include "device/maker.h"
#include "device/mdev.h"
#include "check.h"
#include "made-kernel.h"

#include <errno.h>

#define UUID  "11111111-2222-4333-8444-55555555555a"
#define UPPER "11111111-2222-4333-8444-55555555555A"
#define OTHER "11111111-2222-4333-8444-55555555555b"
#define CARD  "0000:3b:00.2"

static int create_one(const char *type, const char *uuid, struct vfa_error *err)
{
    return vfa_mdev_create(&sysfs, "mtty", type, uuid, LIMIT, err);
}

static const struct vfa_mdev_type *find_type(const struct vfa_mdev_types *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].type, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

static uint32_t available(const char *type)
{
    struct vfa_mdev_type read = {.available = 99};

    CHECK(vfa_mdev_read_type(&sysfs, "mtty", type, &read, NULL) == 0, "%s", type);
    return read.available;
}

static void test_none(void)
{
    struct vfa_mdev_types types = {NULL, 7};
    struct vfa_mdevs mdevs = {NULL, 7};
    struct vfa_mdev_type type;
    struct vfa_mdev mdev;

    CHECK(vfa_mdev_types(&sysfs, &types, NULL) == 0 && types.n == 0, "%zu", types.n);
    CHECK(vfa_mdevs(&sysfs, &mdevs, NULL) == 0 && mdevs.n == 0, "%zu", mdevs.n);
    CHECK(vfa_mdev_read(&sysfs, UUID, &mdev, NULL) == VFA_MAKER_GONE, "device");
    CHECK(vfa_mdev_read_type(&sysfs, "mtty", "mtty-1", &type, NULL) == VFA_MAKER_GONE, "type");
    CHECK(create_one("mtty-1", UUID, NULL) == VFA_MAKER_GONE, "create");
    CHECK(vfa_mdev_remove(&sysfs, UUID, LIMIT, NULL) == VFA_MAKER_GONE, "remove");
}

static void test_types(void)
{
    VFA_AUTO(vfa_mdev_types_clear) struct vfa_mdev_types list = {NULL, 0};
    const struct vfa_mdev_type *mtty, *card;
    char text[VFA_PCI_ADDR_SIZE];

    made_folder("sys/devices/virtual/mtty/mtty/mdev_supported_types/half-made");
    made_file("sys/devices/virtual/mtty/mtty/mdev_supported_types/odd/available_instances", "-1");
    CHECK(vfa_mdev_types(&sysfs, &list, NULL) == 0 && list.n == 3, "%zu", list.n);
    mtty = find_type(&list, "mtty-2");
    card = find_type(&list, "nvidia-63");
    CHECK(mtty && mtty->available == 2 && strcmp(mtty->parent, "mtty") == 0 &&
              strcmp(mtty->name, "Dual port serial") == 0 && strcmp(mtty->api, "vfio-pci") == 0 &&
              !mtty->has_function,
          "mtty");
    CHECK(card && strcmp(card->parent, CARD) == 0 && !*card->name && card->has_function &&
              strcmp(vfa_pci_addr_format(&card->function, text), CARD) == 0,
          "card");
}

static void test_bad_type(void)
{
    static const char *const unknown[] = {"nosuch", "half-made", "", "..", "mtty-1/devices"};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_mdev_type type;

    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        CHECK(vfa_mdev_read_type(&sysfs, "mtty", unknown[i], &type, NULL) == VFA_MAKER_GONE, "'%s'",
              unknown[i]);
        CHECK(create_one(unknown[i], UUID, NULL) == VFA_MAKER_GONE, "'%s'", unknown[i]);
    }
    CHECK(vfa_mdev_read_type(&sysfs, "nosuch", "mtty-1", &type, NULL) == VFA_MAKER_GONE, "parent");
    CHECK(vfa_mdev_read_type(&sysfs, "mtty", "odd", &type, &err) == -EINVAL &&
              check_has(&err, "cannot read type 'odd' of 'mtty'"),
          "%s", vfa_error_text(&err));
    CHECK(create_one("mtty-1", "no-uuid", &err) == -EINVAL && check_has(&err, "not a UUID"), "%s",
          vfa_error_text(&err));
}

/* A text that does not fit is cut, not an error. */
static void test_long_name(void)
{
    struct vfa_mdev_type type = {.name = ""};

    made_file(
        "sys/" FUNCTION "/mdev_supported_types/nvidia-63/name",
        "a name that is a good deal longer than the room that is there for the name of a type");
    CHECK(vfa_mdev_read_type(&sysfs, CARD, "nvidia-63", &type, NULL) == 0 &&
              strlen(type.name) == VFA_MAKER_NAME_SIZE - 1,
          "%s", type.name);
}

static void test_create(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_mdev mdev;

    CHECK(create_one("mtty-2", UPPER, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(vfa_mdev_read(&sysfs, UPPER, &mdev, NULL) == 0 && strcmp(mdev.uuid, UUID) == 0 &&
              strcmp(mdev.parent, "mtty") == 0 && strcmp(mdev.type, "mtty-2") == 0 &&
              mdev.iommu_group == 1 && !mdev.has_function,
          "%s %s", mdev.parent, mdev.type);
    CHECK(available("mtty-1") == 2 && available("mtty-2") == 1, "both have dropped");
    CHECK(create_one("mtty-1", UUID, &err) == VFA_MAKER_EXISTS && err.code == EEXIST, "%s",
          vfa_error_text(&err));
    CHECK(vfa_mdev_create(&sysfs, CARD, "nvidia-63", UUID, LIMIT, NULL) == VFA_MAKER_EXISTS,
          "on another parent");
}

static void test_full(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(create_one("mtty-2", OTHER, NULL) == 0 && available("mtty-1") == 0, "the last two");
    CHECK(create_one("mtty-1", "00000000-0000-4000-8000-000000000000", &err) == VFA_MAKER_FULL &&
              err.code == ENOSPC &&
              strcmp(vfa_error_text(&err),
                     "cannot make mediated device '00000000-0000-4000-8000-000000000000' of type "
                     "'mtty-1' on 'mtty': the parent can make no more devices") == 0,
          "%s", vfa_error_text(&err));
    made_file("kernel/fail.create",
              "code 87"); /* EUSERS, of drivers that do not count themselves */
    CHECK(create_one("mtty-1", "00000000-0000-4000-8000-000000000000", &err) == VFA_MAKER_FULL &&
              err.code == EUSERS,
          "%s", vfa_error_text(&err));
    made_file("kernel/fail.create", "code 22");
    CHECK(create_one("mtty-1", "00000000-0000-4000-8000-000000000000", &err) == -EINVAL &&
              check_has(&err, "on 'mtty': Invalid argument"),
          "%s", vfa_error_text(&err));
    made_without("kernel/fail.create");
}

static void test_list(void)
{
    VFA_AUTO(vfa_mdevs_clear) struct vfa_mdevs list = {NULL, 0};

    made_link("sys/bus/mdev/devices/no-uuid", "../../../" FUNCTION "/no-uuid");
    CHECK(vfa_mdevs(&sysfs, &list, NULL) == 0 && list.n == 2, "%zu", list.n);
}

static void test_open(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int guest = made_hold("dev/vfio/1");

    CHECK(vfa_mdev_check_open(&sysfs, OTHER, LIMIT, NULL) == 0, "closed");
    CHECK(vfa_mdev_check_open(&sysfs, UUID, LIMIT, NULL) == VFA_MAKER_OPEN, "open");
    CHECK(vfa_mdev_remove(&sysfs, UUID, LIMIT, &err) == VFA_MAKER_OPEN && err.code == EBUSY &&
              strcmp(vfa_error_text(&err), "cannot remove mediated device '" UUID
                                           "': a program has '/dev/vfio/1' open") == 0,
          "%s", vfa_error_text(&err));
    CHECK(!made_called("remove " UUID), "the guest would be asked to give it up");
    close(guest);
    CHECK(vfa_mdev_remove(&sysfs, UUID, LIMIT, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(vfa_mdev_remove(&sysfs, UUID, LIMIT, NULL) == VFA_MAKER_GONE, "again");
    CHECK(available("mtty-1") == 2 && available("mtty-2") == 1, "free again");
}

/* A program has the device open, and not the group: what the check cannot see. */
static void test_removal_waits(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int guest = made_hold("kernel/vfio/2");
    struct vfa_mdev mdev;

    CHECK(vfa_mdev_remove(&sysfs, OTHER, SHORT, &err) == -ETIMEDOUT &&
              check_has(&err, "cannot remove mediated device '" OTHER "': the kernel did not"),
          "%s", vfa_error_text(&err));
    CHECK(vfa_mdev_read(&sysfs, OTHER, &mdev, NULL) == VFA_MAKER_GONE, "its links have vanished");
    CHECK(create_one("mtty-1", OTHER, NULL) == VFA_MAKER_EXISTS, "but it is there");
    close(guest);
}

static void test_without_node(void)
{
    const char *uuid = "22222222-2222-4222-8222-222222222222";
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_mdev mdev = {.iommu_group = -1};
    char path[64];

    CHECK(create_one("mtty-1", uuid, NULL) == 0 && vfa_mdev_read(&sysfs, uuid, &mdev, NULL) == 0,
          "made");
    snprintf(path, sizeof(path), "dev/vfio/%d", mdev.iommu_group);
    made_without(path);
    CHECK(vfa_mdev_remove(&sysfs, uuid, LIMIT, &err) == -ENOENT &&
              check_has(&err, "cannot open '/dev/vfio/"),
          "a confined process: %s", vfa_error_text(&err));
    snprintf(path, sizeof(path), "sys/class/vfio/%d", mdev.iommu_group);
    made_without(path);
    CHECK(vfa_mdev_remove(&sysfs, uuid, LIMIT, NULL) == 0, "a kernel without groups");
}

static void test_other_host(void)
{
    unsetenv("VFA_MADE_KERNEL");
    CHECK(create_one("mtty-1", UUID, NULL) == VFA_MAKER_ABSENT, "create");
    CHECK(vfa_mdev_remove(&sysfs, UUID, LIMIT, NULL) == VFA_MAKER_ABSENT, "remove");
    CHECK(vfa_mdev_check_open(&sysfs, UUID, LIMIT, NULL) == VFA_MAKER_ABSENT, "check");
}

int main(void)
{
    made_kernel_begin();
    test_none();
    made_mdev_host();
    test_types();
    test_bad_type();
    test_long_name();
    test_create();
    test_full();
    test_list();
    test_open();
    test_removal_waits();
    test_without_node();
    test_other_host();
    vfa_sysfs_close(&sysfs);
    sysfs.rootfd = -1;
    made_end(&sysfs);
    return check_result();
}
