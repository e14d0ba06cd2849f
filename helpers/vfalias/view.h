/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host as the administrator sees it: every PCI device there is now, what the configuration says
 * of it, who holds it, and what else speaks against giving it out. A live scan, not the index, so
 * it is right without any state file. `explain`, `devices` and `stats` all judge by choose.h;
 * `stats` scans only where the index does not have its numbers.
 */
#ifndef VFA_VFALIAS_VIEW_H
#define VFA_VFALIAS_VIEW_H

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/inventory.h"
#include "choose/device-status.h"
#include "choose/verdict.h"
#include "cmd.h"
#include "pci-names.h"
#include "table.h"

#include <json-c/json.h>

/* With the claims on record, if there are any. Clear *ret with vfa_device_status_clear(). */
int vfa_view_load(const struct vfa_cmd_context *ctx, struct vfa_device_status_list *ret,
                  struct vfa_error *err);

/* What speaks against giving a device to anybody, whatever the alias. */
enum vfa_verdict vfa_view_judge(const struct vfa_device_status *device);

/* The holder's device is another one. */
bool vfa_view_is_blocked(const struct vfa_device_status *device);

/* A cell with the type of a device, without "type-". */
void vfa_view_cell_type(struct vfa_table *table, enum vfa_dev_type type);

/* The last cell of a device: its vendor's and product's names. names: NULL if libpci has none. */
void vfa_view_cell_name(struct vfa_table *table, struct vfa_pci_names *names,
                        const struct vfa_device *dev);

/* A cell with tags (or NULL), as "key=value key=value"; with a verdict, as "NAME: DETAIL". */
void vfa_view_cell_tags(struct vfa_table *table, const struct vfa_tags *tags);
void vfa_view_cell_reason(struct vfa_table *table, enum vfa_verdict verdict, const char *detail);

/* The keys "reason" and "detail"; null for a device that nothing speaks against. */
void vfa_view_set_reason(bool *oom, struct json_object *object, enum vfa_verdict verdict,
                         const char *detail);

#endif
