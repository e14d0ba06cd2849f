/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias devices: the devices that a device_spec allows, or with --all every PCI device, each with
 * the reason why it cannot be allocated now. Always a live scan.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "choose/choose.h"
#include "choose/device-status.h"
#include "choose/verdict.h"
#include "cmd.h"
#include "json-out.h"
#include "pci-names.h"
#include "table.h"
#include "verbs.h"
#include "view.h"

/* The verdict on a device for any domain, and its text (free() it; NULL: out of memory). */
static enum vfa_verdict judge_and_describe(const struct vfa_config *config,
                                           const struct vfa_device_status *device,
                                           char **ret_detail)
{
    static const struct vfa_criteria anybody = {.uuid = ""};
    enum vfa_verdict verdict = vfa_view_judge(device);

    *ret_detail = vfa_device_status_describe(config, device, &anybody, verdict);
    return verdict;
}

static bool is_device_listed(const struct vfa_device_status *device, bool all)
{
    return all || (device->spec && device->claimable);
}

/* ---- JSON ---- */

static void set_spec_tags(bool *oom, struct json_object *object, const struct vfa_spec *spec)
{
    struct json_object *tags = vfa_json_make_object(oom);

    for (size_t i = 0; spec && i < spec->tags.n; i++)
        vfa_json_set_text(oom, tags, spec->tags.items[i].key, spec->tags.items[i].value);
    vfa_json_set(oom, object, "tags", tags);
}

static void set_device_state(bool *oom, struct json_object *object, const struct vfa_config *config,
                             const struct vfa_device_status *device)
{
    VFA_AUTO(vfa_freep) char *detail = NULL;
    enum vfa_verdict verdict = judge_and_describe(config, device, &detail);
    const struct vfa_claim *holder = device->holder;
    const char *state = verdict == VFA_VERDICT_CANDIDATE ? "free" : NULL;

    if (!detail)
        *oom = true;
    if (holder)
        state = vfa_claim_state_name(holder->state);
    vfa_json_set_text(oom, object, "state", state);
    vfa_json_set_text(oom, object, "domain", holder ? holder->domain : NULL);
    vfa_json_set_text(oom, object, "blocked_by",
                      vfa_view_is_blocked(device) ? holder->device : NULL);
    vfa_view_set_reason(oom, object, verdict, detail);
}

static struct json_object *make_device_object(bool *oom, const struct vfa_config *config,
                                              const struct vfa_device_status *device)
{
    struct json_object *object = vfa_json_make_object(oom);
    const struct vfa_device *dev = device->dev;
    char parent[VFA_DEVICE_ID_SIZE];

    vfa_json_set_text(oom, object, "address", dev->id);
    vfa_json_set_id(oom, object, "vendor_id", dev->vendor);
    vfa_json_set_id(oom, object, "product_id", dev->product);
    vfa_json_set_text(oom, object, "dev_type", vfa_dev_type_name(dev->type));
    vfa_json_set_text(oom, object, "parent_addr", vfa_device_pf(dev, parent));
    vfa_json_set_number(oom, object, "numa_node", dev->numa_node);
    vfa_json_set_text(oom, object, "netdev", dev->netdev);
    vfa_json_set_text(oom, object, "driver", dev->driver);
    vfa_json_set_number(oom, object, "iommu_group", dev->iommu_group);
    vfa_json_set_number(oom, object, "spec", device->spec ? device->spec - config->specs : -1);
    set_spec_tags(oom, object, device->spec);
    set_device_state(oom, object, config, device);
    return object;
}

static int print_devices_json(const struct vfa_config *config,
                              const struct vfa_device_status_list *view, bool all)
{
    struct vfa_json_stream stream = {0};
    int status = VFA_CMD_FINE;

    for (size_t i = 0; i < view->n && status == VFA_CMD_FINE; i++) {
        const struct vfa_device_status *device = &view->devices[i];
        struct json_object *object;
        bool oom = false;

        if (!is_device_listed(device, all))
            continue;
        object = make_device_object(&oom, config, device);
        status = vfa_json_stream_add(&stream, oom, object);
    }
    if (status == VFA_CMD_FINE)
        vfa_json_stream_end(&stream);
    return status;
}

/* ---- table ---- */

static void add_reason(struct vfa_table *table, const struct vfa_config *config,
                       const struct vfa_device_status *device)
{
    VFA_AUTO(vfa_freep) char *detail = NULL;
    enum vfa_verdict verdict = judge_and_describe(config, device, &detail);

    if (verdict == VFA_VERDICT_CANDIDATE)
        vfa_table_cellf(table, VFA_TABLE_GREEN, "free%s%s", detail && *detail ? ", " : "",
                        detail ? detail : "");
    else if (!detail || verdict == VFA_VERDICT_NOT_ALLOWED)
        vfa_table_cellf(table, VFA_TABLE_DIM, "no: %s",
                        detail ? detail : vfa_verdict_name(verdict));
    else
        vfa_table_cellf(table, verdict == VFA_VERDICT_QUARANTINED ? VFA_TABLE_RED : VFA_TABLE_DIM,
                        "no: %s: %s", vfa_verdict_name(verdict), detail);
}

static void add_device_state(struct vfa_table *table, const struct vfa_config *config,
                             const struct vfa_device_status *device)
{
    const struct vfa_claim *holder = device->holder;

    if (vfa_view_is_blocked(device))
        vfa_table_cellf(table, VFA_TABLE_DIM, "blocked: %s has %s", holder->domain, holder->device);
    else if (holder && !vfa_claim_is_held(holder->state))
        vfa_table_cellf(table, VFA_TABLE_YELLOW, "%s after %s", vfa_claim_state_name(holder->state),
                        holder->domain);
    else if (holder)
        vfa_table_cellf(table, VFA_TABLE_YELLOW, "%s by %s", vfa_claim_state_name(holder->state),
                        holder->domain);
    else
        add_reason(table, config, device);
}

static void add_device_row(struct vfa_table *table, const struct vfa_config *config,
                           struct vfa_pci_names *names, const struct vfa_device_status *device)
{
    const struct vfa_device *dev = device->dev;
    vfa_table_cell(table, VFA_TABLE_PLAIN, dev->id);
    vfa_view_cell_ids(table, dev->vendor, dev->product);
    vfa_view_cell_type(table, dev->type);
    vfa_table_cell_number(table, dev->numa_node);
    vfa_table_cell_number(table, dev->iommu_group);
    vfa_table_cell(table, VFA_TABLE_PLAIN, dev->driver);
    vfa_table_cell(table, VFA_TABLE_PLAIN, dev->netdev);
    vfa_table_cell_number(table, device->spec ? device->spec - config->specs : -1);
    vfa_view_cell_tags(table, device->spec ? &device->spec->tags : NULL);
    add_device_state(table, config, device);
    vfa_view_cell_name(table, names, dev);
}

static int print_devices_table(const struct vfa_config *config,
                               const struct vfa_device_status_list *view, bool all)
{
    static const char *const headers[] = {"ADDRESS", "ID",   "TYPE", "NUMA",  "GROUP", "DRIVER",
                                          "NETDEV",  "SPEC", "TAGS", "STATE", "NAME"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));
    VFA_AUTO(vfa_pci_names_closep) struct vfa_pci_names *names = vfa_pci_names_open();
    size_t listed = 0;

    for (size_t i = 0; table && i < view->n; i++) {
        if (!is_device_listed(&view->devices[i], all))
            continue;
        add_device_row(table, config, names, &view->devices[i]);
        listed++;
    }
    if (listed > 0 || !table)
        return vfa_table_print(table);
    if (config->n_specs || all)
        printf("no device\n");
    else
        printf("no device_spec is configured: every SR-IOV VF may be claimed; see devices --all\n");
    return VFA_CMD_FINE;
}

int vfa_cmd_devices(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_device_status_clear) struct vfa_device_status_list view = {0};
    bool all = false, json = false;
    const struct vfa_cmd_flag flags[] = {{"all", &all, NULL}, {"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {"devices", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (vfa_view_load(ctx, &view, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_devices_json(ctx->config, &view, all)
                : print_devices_table(ctx->config, &view, all);
}
