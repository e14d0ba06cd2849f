/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which parts of a nova.conf of OpenStack Nova mean the same in vfalias. Reads one file: [DEFAULT]
 * and [pci], with the old and new names of the keys, and the options about PCI devices in other
 * sections. Does not use the hardware.
 */
#ifndef VFA_CONFIG_NOVA_H
#define VFA_CONFIG_NOVA_H

#include "base/error.h"
#include "nova-report.h"

/* Checks the file. Free *ret with vfa_nova_report_clear(). -EINVAL: Nova refuses the file, or the
 * check cannot tell whether Nova does ("FILE:LINE: REASON"). Another error: the file cannot be
 * read. */
int vfa_nova_check(const char *path, struct vfa_nova_report *ret, struct vfa_error *err);

#endif
