/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The row "vdpa" of kind.h: vDPA devices ("vdpa:NAME") and the management devices that make them
 * ("mgmtdev:NAME").
 */
#ifndef VFA_DEVICE_VDPA_KIND_H
#define VFA_DEVICE_VDPA_KIND_H

#include "base/common.h"
#include "base/error.h"
#include "sysfs.h"

/* Finds the vDPA device whose node a path names ("/dev/vhost-vdpa-3"), and writes its identity to
 * ret, which has VFA_DEVICE_ID_SIZE bytes. VFA_SYSFS_GONE: it names none. */
int vfa_vdpa_of_node(const struct vfa_sysfs *sysfs, const char *path, char *ret,
                     struct vfa_error *err);

#endif
