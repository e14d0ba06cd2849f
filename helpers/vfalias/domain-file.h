/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's XML out of a file, for those who need not ask libvirt. */
#ifndef VFA_VFALIAS_DOMAIN_FILE_H
#define VFA_VFALIAS_DOMAIN_FILE_H

#include "base/error.h"
#include "domain/domain.h"

/* "-" is standard input. */
int vfa_domain_file_read(const char *path, struct vfa_domain **ret, struct vfa_error *err);

#endif
