/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a nova.conf of OpenStack Nova means the same here. Reads one file, whole: [DEFAULT] and
 * [pci] with the old and new names of the keys, and what other sections say about PCI devices.
 * Knows nothing of the hardware.
 */
#ifndef VFA_NOVA_H
#define VFA_NOVA_H

#include "error.h"

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
    struct vfa_nova_finding *items; /* by line */
    size_t n;
};

/* Clear *ret with vfa_nova_report_clear(). -EINVAL: Nova itself would refuse the file, or could not
 * be told from one that it refuses ("FILE:LINE: REASON"); otherwise it could not be read. */
int vfa_nova_check(const char *path, struct vfa_nova_report *ret, struct vfa_error *err);
void vfa_nova_report_clear(struct vfa_nova_report *report);

#endif
