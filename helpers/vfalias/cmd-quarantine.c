/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias quarantine: devices that are not allocated until an administrator removes them from
 * quarantine. vfaliasd or an administrator puts them there. A domain that has such a device keeps
 * it.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/kind.h"
#include "device/sysfs.h"
#include "state/quarantine.h"
#include "state/state.h"
#include "host/host.h"
#include "claim/release.h"
#include "claim/unreleased.h"
#include "cmd.h"
#include "json-out.h"
#include "table.h"
#include "verbs.h"

#include <string.h>

/* ---- list ---- */

static int print_quarantine_json(const struct vfa_quarantine *list)
{
    bool oom = false;
    struct json_object *array = vfa_json_make_array(&oom);

    for (size_t i = 0; i < list->n; i++) {
        struct json_object *object = vfa_json_make_object(&oom);

        vfa_json_set_text(&oom, object, "device", list->items[i].device);
        vfa_json_set_text(&oom, object, "reason", list->items[i].reason);
        vfa_json_set_time(&oom, object, "since", list->items[i].since);
        vfa_json_push(&oom, array, object);
    }
    return vfa_json_print(oom, array);
}

static int print_quarantine_table(const struct vfa_quarantine *list)
{
    static const char *const headers[] = {"DEVICE", "SINCE", "REASON"};
    VFA_AUTO(vfa_table_freep)
    struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    if (list->n == 0) {
        printf("no device is in quarantine\n");
        return VFA_CMD_FINE;
    }
    for (size_t i = 0; table && i < list->n; i++) {
        vfa_table_cell(table, VFA_TABLE_PLAIN, list->items[i].device);
        vfa_table_cell_time(table, list->items[i].since);
        vfa_table_cell(table, VFA_TABLE_RED, list->items[i].reason);
    }
    return vfa_table_print(table);
}

static int run_list(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {"quarantine list", flags, ARRAY_SIZE(flags), {NULL}};
    int r, status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    r = vfa_cmd_open_state(ctx, &state, &err);
    if (r == 0 && state)
        r = vfa_state_quarantined(state, NULL, &list, &err);
    if (r < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_quarantine_json(&list) : print_quarantine_table(&list);
}

/* ---- add, remove ---- */

static bool is_device(const char *device)
{
    if (vfa_kind_of(device))
        return true;
    vfa_cmd_fail_usage(
        "device '%s' is no full PCI address, vdpa:NAME, mdev:UUID, mgmtdev:NAME or mdev-type:PARENT/TYPE: 'vfalias devices' and 'vfalias claims' list them",
        device);
    return false;
}

/* Only a warning: an absent device may come back. */
static void warn_if_absent(const struct vfa_cmd_context *ctx, const char *device)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    struct vfa_sysfs sysfs;

    if (vfa_sysfs_open(ctx->config->sysfs_root, &sysfs, NULL) < 0)
        return;
    if (vfa_kind_read(&sysfs, device, &dev, NULL) == VFA_SYSFS_GONE)
        vfa_cmd_fail("warning: there is no device %s now", device);
    vfa_sysfs_close(&sysfs);
}

static int run_add(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    const struct vfa_cmd_syntax syntax = {"quarantine add", NULL, 0, {"DEVICE", "REASON", NULL}};
    const char *operands[2];
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    if (!is_device(operands[0]) || !vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (vfa_state_open(ctx->config->state_path, ctx->config->libvirt_run, VFA_STATE_WRITE, &state,
                       &err) < 0 ||
        vfa_state_quarantine_by_hand(state, operands[0], operands[1], &err) < 0)
        return vfa_cmd_fail_error(&err);
    warn_if_absent(ctx, operands[0]);
    printf("%s is in quarantine\n", operands[0]);
    return VFA_CMD_FINE;
}

/* Restores the device's saved settings (force: forgets them), and runs the cleaner (clean). On an
 * error the device stays in quarantine. */
static int remove_device(struct vfa_cmd_context *ctx, const char *device, bool force, bool clean,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_unreleased_open_host(ctx->config, &host, err);

    host.warn = vfa_cmd_warn;
    if (r == 0)
        r = clean ? vfa_release_restore_and_clean(&host, device, force, err)
                  : vfa_release_restore(&host, device, force, err);
    return r < 0 ? vfa_wrap(err, "cannot take '%s' out of quarantine", device) : r;
}

static int run_remove(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    bool force = false, clean = false;
    const struct vfa_cmd_flag flags[] = {{"force", &force, NULL}, {"clean", &clean, NULL}};
    const struct vfa_cmd_syntax syntax = {
        "quarantine remove", flags, ARRAY_SIZE(flags), {"DEVICE", NULL}};
    const char *device;
    int r, status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, &device, &status))
        return status;
    if (!is_device(device) || !vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    r = remove_device(ctx, device, force, clean, &err);
    if (r < 0)
        return vfa_cmd_fail_error(&err);
    if (r == VFA_STATE_ABSENT)
        return vfa_cmd_fail("device '%s' is not in quarantine", device);
    if (clean)
        printf("%s is given out again once its cleaner has run\n", device);
    else
        printf("%s may be given out again\n", device);
    return VFA_CMD_FINE;
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int (*run)(struct vfa_cmd_context *ctx, int argc, char **argv);
} verbs[] = {
    {"add", run_add},
    {"list", run_list},
    {"remove", run_remove},
};

int vfa_cmd_quarantine(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        vfa_cmd_print_help("quarantine");
        return VFA_CMD_FINE;
    }
    if (argc < 2 || *argv[1] == '-')
        return run_list(ctx, argc, argv);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(ctx, argc - 1, argv + 1);
    }
    return vfa_cmd_fail_usage("quarantine: '%s' is none of add, list, remove", argv[1]);
}
