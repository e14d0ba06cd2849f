/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The status of every PCI device of the host: its device_spec, the domain that holds it, and the
 * reason why it cannot be allocated. A live scan, not the index: it works without a state file.
 * `explain`, `devices` and `stats` take verdicts from choose/device-status.h; `stats` scans only if
 * the index does not have its numbers.
 */
#ifndef VFA_VFALIAS_VIEW_H
#define VFA_VFALIAS_VIEW_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/device.h"
#include "choose/device-status.h"
#include "choose/verdict.h"
#include "cmd.h"
#include "pci-names.h"
#include "table.h"

#include <json-c/json.h>

/* Scans the host, with the claims of the state if there is one. Clear *ret with
 * vfa_device_status_clear(). */
int vfa_view_load(const struct vfa_cmd_context *ctx, struct vfa_device_status_list *ret,
                  struct vfa_error *err);

/* The verdict on a device for any domain and alias. */
enum vfa_verdict vfa_view_judge(const struct vfa_device_status *device);

/* True if the claim that blocks this device is on another device (its PF, VF or group member). */
bool vfa_view_is_blocked(const struct vfa_device_status *device);

/* Adds a cell with the ids of a PCI function; "-" for a device that stands on none. */
void vfa_view_cell_ids(struct vfa_table *table, uint16_t vendor, uint16_t product);

/* Adds a cell with the type of a device, without "type-". */
void vfa_view_cell_type(struct vfa_table *table, enum vfa_dev_type type);

/* Adds a cell with the names of vendor and product. names: may be NULL. */
void vfa_view_cell_name(struct vfa_table *table, struct vfa_pci_names *names,
                        const struct vfa_device *dev);

/* Add a cell with tags (may be NULL), as "key=value key=value", or with a verdict, as
 * "NAME: DETAIL". */
void vfa_view_cell_tags(struct vfa_table *table, const struct vfa_tags *tags);
void vfa_view_cell_reason(struct vfa_table *table, enum vfa_verdict verdict, const char *detail);

/* Sets the keys "reason" and "detail"; "reason" is null for a candidate. */
void vfa_view_set_reason(bool *oom, struct json_object *object, enum vfa_verdict verdict,
                         const char *detail);

#endif
