/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of attributes: no name leads out of the folder of the device, whatever stands there. */

#include "base/common.h"
#include "base/error.h"
#include "device/attribute-file.h"
#include "device/attributes.h"
#include "device/sysfs.h"
#include "check.h"
#include "made-sysfs.h"

#include <errno.h>

#define DEV   "devices/0000:65:00.4"
#define OTHER "devices/0000:65:00.0"

static struct vfa_sysfs sysfs;
static int device_fd = -1;

/* sysfs replaces the value of a file with each write. */
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    return ftruncate(fd, 0) < 0 ? -1 : __real_write(fd, data, len);
}

/* ---- reading and writing ---- */

static void put_bytes(const char *path, const char *bytes, size_t len)
{
    char full[256];
    FILE *f;

    made_path(full, sizeof(full), path);
    f = fopen(full, "w");
    if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        made_give_up(full);
}

static const char *content(const char *path)
{
    static char text[8192];
    char full[256];
    size_t len;
    FILE *f;

    made_path(full, sizeof(full), path);
    f = fopen(full, "r");
    if (!f)
        made_give_up(full);
    len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = '\0';
    fclose(f);
    return text;
}

static void test_values(void)
{
    char value[VFA_ATTRIBUTE_VALUE_MAX + 1];

    made_file(DEV "/nvidia/current_vgpu_type", "0");
    CHECK(vfa_attribute_read(device_fd, "nvidia/current_vgpu_type", value, NULL) == 0 &&
              strcmp(value, "0") == 0,
          "%s", value);
    CHECK(vfa_attribute_write(device_fd, "nvidia/current_vgpu_type", "742", NULL) == 0, "write");
    CHECK(strcmp(content(DEV "/nvidia/current_vgpu_type"), "742\n") == 0, "with a newline");
    CHECK(vfa_attribute_set(device_fd, "nvidia/current_vgpu_type", "0", NULL) == 0, "set");
    CHECK(strcmp(content(DEV "/nvidia/current_vgpu_type"), "0\n") == 0, "a shorter one");
    CHECK(vfa_attribute_set(device_fd, "nvidia/current_vgpu_type", "", NULL) == 0, "set");
    CHECK(strcmp(content(DEV "/nvidia/current_vgpu_type"), "\n") == 0, "an empty one");
    CHECK(vfa_attribute_read(device_fd, "nvidia/current_vgpu_type", value, NULL) == 0 && !*value,
          "'%s'", value);
    made_file(DEV "/scheduler", "none [mq-deadline] kyber");
    CHECK(vfa_attribute_read(device_fd, "scheduler", value, NULL) == 0, "read");
    CHECK(vfa_attribute_set(device_fd, "scheduler", value, NULL) == 0, "set back");
    CHECK(strcmp(content(DEV "/scheduler"), "mq-deadline\n") == 0, "the word that was selected");
}

/* Sizes and bytes at the limits. */
static void test_limits(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    char value[VFA_ATTRIBUTE_VALUE_MAX + 1], page[VFA_ATTRIBUTE_VALUE_MAX + 2];

    memset(page, '7', sizeof(page));
    page[4095] = '\n';
    put_bytes(DEV "/big", page, 4096);
    CHECK(vfa_attribute_read(device_fd, "big", value, NULL) == 0 && strlen(value) == 4095, "page");
    CHECK(vfa_attribute_set(device_fd, "big", value, NULL) == 0, "4095");
    CHECK(strlen(content(DEV "/big")) == 4096, "all of it");
    page[4095] = '7';
    put_bytes(DEV "/big", page, 4096);
    CHECK(vfa_attribute_read(device_fd, "big", value, &err) == -EOVERFLOW, "4096 characters");
    page[4096 - 1] = '\0';
    CHECK(vfa_attribute_write(device_fd, "big", page, NULL) == 0, "4095");
    put_bytes(DEV "/binary", "a\0b\n", 4);
    CHECK(vfa_attribute_read(device_fd, "binary", value, NULL) == -EILSEQ, "NUL");
    put_bytes(DEV "/nul", "a\0\n", 3);
    CHECK(vfa_attribute_read(device_fd, "nul", value, NULL) == -EILSEQ, "NUL at the end");
}

/* ---- what is not in the folder, and what is no file ---- */

static const struct {
    const char *name;
    int code;
    const char *reason;
} refused[] = {
    {"../0000:65:00.0/value", EINVAL, "'..'"},
    {"sub/../value", EINVAL, "'..'"},
    {"remove", EINVAL, "makes or removes"},
    {"resource0", EINVAL, "registers"},
    {"link", ELOOP, "'link' is a symbolic link"},
    {"link_inside", ELOOP, "'link_inside' is a symbolic link"},
    {"physfn/value", ELOOP, "'physfn' is a symbolic link"},
    {"sub/away/value", ELOOP, "'away' is a symbolic link"},
    {"loop", ELOOP, "'loop' is a symbolic link"},
    {"nothing", ENOENT, "No such file"},
    {"sub/nothing", ENOENT, "No such file"},
    {"nothing/value", ENOENT, "No such file"},
    {"value/x", ENOTDIR, "Not a directory"},
    {"fifo", ENOTSUP, "regular"},
};

static void make_refused(void)
{
    char full[256];

    made_file(OTHER "/value", "secret");
    made_file(DEV "/value", "mine");
    made_file(DEV "/remove", "0");
    made_file(DEV "/resource0", "0");
    made_link(DEV "/link", "../0000:65:00.0/value");
    made_link(DEV "/link_inside", "value");
    made_link(DEV "/physfn", "../0000:65:00.0");
    made_link(DEV "/sub/away", "../../0000:65:00.0");
    made_link(DEV "/loop", "loop");
    made_path(full, sizeof(full), DEV "/fifo");
    if (mkfifo(full, 0600) < 0)
        made_give_up(full);
}

static void test_refused(void)
{
    make_refused();
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct vfa_error errors[2] = {VFA_ERROR_INIT, VFA_ERROR_INIT};
        const char *name = refused[i].name;
        char value[VFA_ATTRIBUTE_VALUE_MAX + 1] = "untouched";
        bool fifo = strcmp(name, "fifo") == 0; /* without a reader, its open for writing fails */

        CHECK(vfa_attribute_read(device_fd, name, value, &errors[0]) == -refused[i].code &&
                  check_has(&errors[0], refused[i].reason),
              "%s: %s", name, vfa_error_text(&errors[0]));
        CHECK(strcmp(value, "untouched") == 0, "%s: %s", name, value);
        CHECK(vfa_attribute_write(device_fd, name, "evil", &errors[1]) ==
                      (fifo ? -ENXIO : -refused[i].code) &&
                  (fifo || check_has(&errors[1], refused[i].reason)),
              "%s: %s", name, vfa_error_text(&errors[1]));
        vfa_error_clear(&errors[0]);
        vfa_error_clear(&errors[1]);
    }
    CHECK(strcmp(content(OTHER "/value"), "secret\n") == 0, "the other device");
    CHECK(strcmp(content(DEV "/value"), "mine\n") == 0, "this device");
    CHECK(strcmp(content(DEV "/remove"), "0\n") == 0, "a file that acts");
    CHECK(vfa_attribute_read(device_fd, "sub", (char[VFA_ATTRIBUTE_VALUE_MAX + 1]){""}, NULL) ==
              -ENOTSUP,
          "a folder");
    CHECK(vfa_attribute_write(device_fd, "sub", "1", NULL) == -EISDIR, "a folder");
}

static void test_busy(void)
{
    static const int busy[] = {EAGAIN, EBUSY, EINTR, EIO, EPERM, ETIMEDOUT};
    static const int final[] = {EINVAL, ENOENT, ENODEV, EACCES, EROFS, ENOSPC, EPROTO, 0};

    for (size_t i = 0; i < ARRAY_SIZE(busy); i++)
        CHECK(vfa_attribute_is_busy(&(struct vfa_error){.code = busy[i]}), "%d", busy[i]);
    for (size_t i = 0; i < ARRAY_SIZE(final); i++)
        CHECK(!vfa_attribute_is_busy(&(struct vfa_error){.code = final[i]}), "%d", final[i]);
}

int main(void)
{
    sysfs = made_begin();
    made_folder(DEV "/sub");
    made_folder(DEV "/nvidia");
    device_fd = vfa_sysfs_opendir(sysfs.rootfd, DEV);
    test_values();
    test_limits();
    test_refused();
    test_busy();
    vfa_closep(&device_fd);
    made_end(&sysfs);
    return check_result();
}
