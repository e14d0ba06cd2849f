/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the finding of a health check. */

#include "health.h"
#include "private.h"

#include <stdarg.h>

void vfa_health_report_fault(struct vfa_finding *finding, enum vfa_health_fault fault,
                             const char *fmt, ...)
{
    va_list args;

    finding->fault = fault;
    va_start(args, fmt);
    vsnprintf(finding->detail, sizeof(finding->detail), fmt, args);
    va_end(args);
}
