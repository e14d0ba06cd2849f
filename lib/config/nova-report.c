/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See nova-report.h.
 *
 * Invariant: each finding in the list can be freed, also if memory was short when it was made.
 */

#include "nova-report.h"

#include "base/array.h"
#include "base/error.h"

#include <string.h>

static const char *const verdict_names[VFA_NOVA_VERDICTS] = {
    [VFA_NOVA_SAME] = "same",
    [VFA_NOVA_DIFFERS] = "differs",
    [VFA_NOVA_LOST] = "lost",
};

const char *vfa_nova_verdict_name(enum vfa_nova_verdict verdict)
{
    return verdict_names[verdict];
}

void vfa_nova_report_clear(struct vfa_nova_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        free(report->items[i].what);
        free(report->items[i].reason);
    }
    free(report->items);
    report->items = NULL;
    report->n = 0;
}

int vfa_nova_note(struct vfa_nova_report *report, unsigned line, enum vfa_nova_verdict verdict,
                  const char *what, const char *reason, struct vfa_error *err)
{
    struct vfa_nova_finding *slot = vfa_array_grow(&report->items, report->n);

    if (!slot)
        return vfa_fail_oom(err);
    report->n++;
    *slot = (struct vfa_nova_finding){.line = line, .verdict = verdict};
    slot->what = strdup(what);
    slot->reason = reason ? strdup(reason) : NULL;
    return slot->what && (slot->reason || !reason) ? 0 : vfa_fail_oom(err);
}
