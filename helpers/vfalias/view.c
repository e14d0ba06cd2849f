/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See view.h. */

#include "view.h"

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/sysfs.h"
#include "state/state.h"
#include "choose/choose.h"
#include "choose/device-status.h"
#include "choose/verdict.h"
#include "cmd.h"
#include "json-out.h"
#include "pci-names.h"
#include "table.h"

#include <string.h>

int vfa_view_load(const struct vfa_cmd_context *ctx, struct vfa_device_status_list *ret,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    struct vfa_sysfs sysfs;
    int r = vfa_cmd_open_state(ctx, &state, err);

    if (r == 0)
        r = vfa_sysfs_open(ctx->config->sysfs_root, &sysfs, err);
    if (r < 0)
        return r;
    r = vfa_device_status_make(ctx->config, &sysfs, state, "", ret, err);
    vfa_sysfs_close(&sysfs);
    return r;
}

enum vfa_verdict vfa_view_judge(const struct vfa_device_status *device)
{
    static const struct vfa_criteria anybody = {.uuid = ""};

    return vfa_device_status_judge(device, &anybody);
}

bool vfa_view_is_blocked(const struct vfa_device_status *device)
{
    return device->holder && strcmp(device->holder->device, device->dev->id) != 0;
}

void vfa_view_cell_ids(struct vfa_table *table, uint16_t vendor, uint16_t product)
{
    if (vendor == 0)
        vfa_table_cell(table, VFA_TABLE_PLAIN, NULL);
    else
        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%04x:%04x", vendor, product);
}

void vfa_view_cell_type(struct vfa_table *table, enum vfa_dev_type type)
{
    static const char prefix[] = "type-";
    const char *name = vfa_dev_type_name(type);
    bool has_prefix = strncmp(name, prefix, strlen(prefix)) == 0;

    vfa_table_cell(table, VFA_TABLE_PLAIN, has_prefix ? name + strlen(prefix) : name);
}

void vfa_view_cell_name(struct vfa_table *table, struct vfa_pci_names *names,
                        const struct vfa_device *dev)
{
    char name[256];

    vfa_table_cell(table, VFA_TABLE_DIM,
                   vfa_pci_names_lookup(names, dev->vendor, dev->product, name, sizeof(name)));
}

void vfa_view_cell_tags(struct vfa_table *table, const struct vfa_tags *tags)
{
    VFA_AUTO(vfa_freep) char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    for (size_t i = 0; f && tags && i < tags->n; i++)
        fprintf(f, "%s%s=%s", i ? " " : "", tags->items[i].key, tags->items[i].value);
    if (f)
        fclose(f);
    vfa_table_cell(table, VFA_TABLE_PLAIN, text);
}

void vfa_view_cell_reason(struct vfa_table *table, enum vfa_verdict verdict, const char *detail)
{
    if (verdict == VFA_VERDICT_CANDIDATE)
        vfa_table_cell(table, VFA_TABLE_PLAIN, detail);
    else
        vfa_table_cellf(table, VFA_TABLE_DIM, "%s%s%s", vfa_verdict_name(verdict),
                        *detail ? ": " : "", detail);
}

void vfa_view_set_reason(bool *oom, struct json_object *object, enum vfa_verdict verdict,
                         const char *detail)
{
    vfa_json_set_text(oom, object, "reason",
                      verdict == VFA_VERDICT_CANDIDATE ? NULL : vfa_verdict_name(verdict));
    vfa_json_set_text(oom, object, "detail", detail && *detail ? detail : NULL);
}
