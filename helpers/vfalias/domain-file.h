/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a domain's XML from a file, without libvirt. */
#ifndef VFA_VFALIAS_DOMAIN_FILE_H
#define VFA_VFALIAS_DOMAIN_FILE_H

#include "base/error.h"
#include "domain/domain.h"

/* path: "-" is standard input. Free *ret with vfa_domain_free(). */
int vfa_domain_file_read(const char *path, struct vfa_domain **ret, struct vfa_error *err);

#endif
