/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The report about a nova.conf: findings about each device_spec, alias and option for PCI devices.
 */
#ifndef VFA_CONFIG_NOVA_REPORT_H
#define VFA_CONFIG_NOVA_REPORT_H

#include "base/common.h"
#include "base/error.h"

enum vfa_nova_verdict {
    VFA_NOVA_SAME,    /* carries over */
    VFA_NOVA_DIFFERS, /* means something else in vfalias */
    VFA_NOVA_LOST,    /* does not carry over */
    VFA_NOVA_VERDICTS
};

/* Returns "same", "differs" or "lost". */
const char *vfa_nova_verdict_name(enum vfa_nova_verdict verdict);

struct vfa_nova_finding {
    unsigned line;
    enum vfa_nova_verdict verdict;
    char *what;   /* "device_spec 0" (numbered as in vfalias), "alias 'qat'" or "[SECTION] KEY" */
    char *reason; /* NULL: no reason; only for VFA_NOVA_SAME */
};

struct vfa_nova_report {
    struct vfa_nova_finding *items; /* vfa_nova_check() sorts them by line */
    size_t n;
};

/* Adds a finding, with copies of the texts. `reason` may be NULL. */
int vfa_nova_note(struct vfa_nova_report *report, unsigned line, enum vfa_nova_verdict verdict,
                  const char *what, const char *reason, struct vfa_error *err);

/* Frees all findings. The report is empty then. */
void vfa_nova_report_clear(struct vfa_nova_report *report);

#endif
