/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors and warnings about a place in the configuration: both begin with "FILE:LINE: ".
 */
#ifndef VFA_CONFIG_REPORT_H
#define VFA_CONFIG_REPORT_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"

/* Like vfa_fail(err, EINVAL, ...), with "FILE:LINE: " in front. */
int vfa_config_fail(const struct vfa_where *where, struct vfa_error *err, const char *fmt, ...)
    VFA_PRINTF(3, 4);

/* Puts "FILE:LINE: " in front of the message in *err. Returns its negative code. */
int vfa_config_wrap(const struct vfa_where *where, struct vfa_error *err);

/* Adds a warning. Returns 0 or -ENOMEM. */
int vfa_config_warn(struct vfa_config *config, const struct vfa_where *where, struct vfa_error *err,
                    const char *fmt, ...) VFA_PRINTF(4, 5);

#endif
