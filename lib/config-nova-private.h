/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What config-nova*.c share.
 */
#ifndef VFA_CONFIG_NOVA_PRIVATE_H
#define VFA_CONFIG_NOVA_PRIVATE_H

#include "config-private.h"
#include "nova.h"

struct vfa_nova {
    struct vfa_config *config; /* what vfalias makes of the file; its warnings are not shown */
    struct vfa_nova_report report;
    bool report_in_placement; /* [pci] */
    bool pci_in_placement;    /* [filter_scheduler] */
};

/* Adds a finding; reason NULL: nothing to say. */
int vfa_nova_note(struct vfa_nova *nova, unsigned line, enum vfa_nova_verdict verdict,
                  const char *what, const char *reason, struct vfa_error *err);

/* A value of device_spec resp. alias: checked as Nova does, and judged. */
int vfa_nova_add_specs(struct vfa_nova *nova, const char *text, const struct vfa_where *where,
                       struct vfa_error *err);
int vfa_nova_add_alias(struct vfa_nova *nova, const char *text, const struct vfa_where *where,
                       struct vfa_error *err);

#endif
