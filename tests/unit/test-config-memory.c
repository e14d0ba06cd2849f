/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads a configuration while memory is short: each allocation fails once. The load must fail with
 * -ENOMEM and must not leak. The sanitizers find leaks.
 */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "config/nova-report.h"
#include "config/nova.h"
#include "config-case.h"

#include <stdarg.h>

/* ---- allocations that fail ----
 * The linker redirects the allocations of lib/ to these functions (--wrap), not the allocations of
 * libraries. */
static long allocations, fail_at; /* fail_at 0: never */

static bool fails(void)
{
    return ++allocations == fail_at;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
char *__wrap_strndup(const char *text, size_t n);
int __wrap_vasprintf(char **ret, const char *fmt, va_list args) VFA_PRINTF(2, 0);
int __wrap_asprintf(char **ret, const char *fmt, ...) VFA_PRINTF(2, 3);
int __real_vasprintf(char **ret, const char *fmt, va_list args) VFA_PRINTF(2, 0);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
    return fails() ? NULL : __real_strndup(text, n);
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list args)
{
    return fails() ? -1 : __real_vasprintf(ret, fmt, args);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    r = __wrap_vasprintf(ret, fmt, args);
    va_end(args);
    return r;
}

static int load_failing(long at)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r;

    allocations = 0;
    fail_at = at;
    r = vfa_config_load(path, &config, &err);
    fail_at = 0;
    CHECK((r == 0) == (config != NULL) && (r < 0) == (err.code != 0), "allocation %ld", at);
    return r;
}

static void test_memory(void)
{
    char second[80];
    long n, total;

    snprintf(second, sizeof(second), "%s/10.conf", conf_d);
    write_file(
        path, "[vfalias]\nstate = /x\n[pci]\ndevice_spec = [{\"vendor_id\": \"8086\", \"address\": "
              "\"0b:1.*\", \"managed\": \"yes\", \"device_id\": \"7\"}, {\"address\": {\"bus\": "
              "\"0*\",\n  \"slot\": \"1{,2}\"}}, {\"devname\": \"eth0\", \"t\": 5}]\nalias = "
              "{\"name\": \"a.b\", \"t\": \"5\", \"driver\": \"x\", \"traits\": \"y\"}\nalias = "
              "{\"name\": \"a.b\", " IDS ", \"permit\": [\"x\", \"y\"], \"xml_name\": \"ab\", "
              "\"max_per_domain\": \"4\", \"hold\": true, \"settings\": {\"mtu\": 9000}}\n"
              "alias = {\"name\": \"d e\", " IDS
              "}\nalias = c=capabilities:devices: (device_type=ACCEL)\n"
              "device_spec = {\"mgmtdev\": \"x\", \"max_devices\": 4, \"managed\": \"no\"}\n"
              "device_spec = {\"mdev_parent\": \"x\", \"mdev_types\": \"y,z\"}\n"
              "alias = {\"name\": \"v\", \"device_type\": \"vdpa\", \"vdpa\": {\"mtu\": 1500}}\n"
              "alias = {\"name\": \"m\", \"device_type\": \"mdev\", \"mdev_type\": \"w\", "
              "\"sysfs\": {\"a\": \"1\", \"b\": \"2\"}}\n"
              "alias = {\"name\": \"b\", \"attach\": \"bridge\", \"bridge\": \"br0\"}\n"
              "alias = {\"name\": \"f\", \"any_of\": [\"b\", \"v\"]}\n");
    mkdir(conf_d, 0755);
    write_file(second, "[pci]\ndevice_spec = {}\n");
    CHECK(load_failing(0) == 0, "");
    total = allocations;
    for (n = 1; n <= total; n++)
        CHECK(load_failing(n) == -ENOMEM, "allocation %ld of %ld", n, total);
    CHECK(total > 80, "only %ld allocations were seen", total);
    unlink(second);
}

static int check_nova_failing(long at)
{
    VFA_AUTO(vfa_nova_report_clear) struct vfa_nova_report report = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    int r;

    allocations = 0;
    fail_at = at;
    r = vfa_nova_check(path, &report, &err);
    fail_at = 0;
    CHECK((r == 0) == (report.n > 0) && (r < 0) == (err.code != 0), "allocation %ld", at);
    return r;
}

static void test_nova_memory(void)
{
    long total;

    write_file(path,
               "[pci]\ndevice_spec = {\"vendor_id\": \"8086\", \"physical_network\": \"p\", "
               "\"one_time_use\": \"yes\"}\nreport_in_placement = true\nalias = {\"name\": \"a\", "
               "\"resource_class\": \"X\"}\nalias = {\"name\": \"b c\", " IDS
               "}\nx = y\n[filter_scheduler]\npci_in_placement = true\n"
               "[devices]\nenabled_mdev_types = a,b\n[mdev_a]\ndevice_addresses = "
               "0000:65:00.0,mtty_mtty\nmax_instances = 4\nmdev_class = CUSTOM_X\n");
    CHECK(check_nova_failing(0) == 0, "");
    total = allocations;
    for (long n = 1; n <= total; n++)
        CHECK(check_nova_failing(n) == -ENOMEM, "allocation %ld of %ld", n, total);
    CHECK(total > 40, "only %ld allocations were seen", total);
}

int main(void)
{
    make_folder();
    test_memory();
    test_nova_memory();
    remove_folder();
    return check_result();
}
