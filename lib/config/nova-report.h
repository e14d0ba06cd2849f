/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was found in a nova.conf: one finding for each thing in it that has to do with PCI devices.
 */
#ifndef VFA_CONFIG_NOVA_REPORT_H
#define VFA_CONFIG_NOVA_REPORT_H

#include "base/common.h"
#include "base/error.h"

enum vfa_nova_verdict {
    VFA_NOVA_SAME,    /* carries over */
    VFA_NOVA_DIFFERS, /* means something else here */
    VFA_NOVA_LOST,    /* does not carry over */
    VFA_NOVA_VERDICTS
};

/* "same", "differs", "lost". */
const char *vfa_nova_verdict_name(enum vfa_nova_verdict verdict);

struct vfa_nova_finding {
    unsigned line;
    enum vfa_nova_verdict verdict;
    char *what;   /* "device_spec 0" (counted as vfalias does), "alias 'qat'", or "[SECTION] KEY" */
    char *reason; /* NULL: nothing to say, only of VFA_NOVA_SAME */
};

struct vfa_nova_report {
    struct vfa_nova_finding *items; /* vfa_nova_check() sorts them by line */
    size_t n;
};

/* Adds a finding, with copies of the texts; reason NULL: nothing to say. */
int vfa_nova_note(struct vfa_nova_report *report, unsigned line, enum vfa_nova_verdict verdict,
                  const char *what, const char *reason, struct vfa_error *err);

/* Frees all findings; the report is empty then. */
void vfa_nova_report_clear(struct vfa_nova_report *report);

#endif
