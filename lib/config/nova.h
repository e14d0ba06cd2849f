/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a nova.conf of OpenStack Nova means the same here. Reads one file, whole: [DEFAULT] and
 * [pci] with the old and new names of the keys, and what other sections say about PCI devices.
 * Knows nothing of the hardware.
 */
#ifndef VFA_CONFIG_NOVA_H
#define VFA_CONFIG_NOVA_H

#include "base/error.h"
#include "nova-report.h"

/* Clear *ret with vfa_nova_report_clear(). -EINVAL: Nova itself would refuse the file, or could not
 * be told from one that it refuses ("FILE:LINE: REASON"); otherwise it could not be read. */
int vfa_nova_check(const char *path, struct vfa_nova_report *ret, struct vfa_error *err);

#endif
