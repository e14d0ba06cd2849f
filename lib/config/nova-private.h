/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The context of a check of a nova.conf, and its judges.
 */
#ifndef VFA_CONFIG_NOVA_PRIVATE_H
#define VFA_CONFIG_NOVA_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"
#include "ini.h"
#include "nova-report.h"

struct vfa_nova {
    struct vfa_config *config; /* the file as vfalias reads it; its warnings are not shown */
    struct vfa_nova_report report;
    bool report_in_placement; /* [pci] */
    bool pci_in_placement;    /* [filter_scheduler] */
};

/* Check a value of device_spec or alias as Nova does, and add findings to the report. */
int vfa_nova_add_specs(struct vfa_nova *nova, const char *text, const struct vfa_where *where,
                       struct vfa_error *err);
int vfa_nova_add_alias(struct vfa_nova *nova, const char *text, const struct vfa_where *where,
                       struct vfa_error *err);

/* Checks the options for mediated devices as Nova does, and adds findings to the report. */
int vfa_nova_judge_mdevs(struct vfa_nova *nova, const char *path, const struct vfa_ini *ini,
                         struct vfa_error *err);

/* Adds a finding about the option "[SECTION] KEY". */
int vfa_nova_note_option(struct vfa_nova *nova, const struct vfa_ini_entry *entry,
                         enum vfa_nova_verdict verdict, const char *reason, struct vfa_error *err);

/* Finds the value of an option that counts for oslo.config: the last one. NULL: it is not set. */
const struct vfa_ini_entry *vfa_nova_last_of(const struct vfa_ini *ini, const char *section,
                                             const char *key);

#endif
