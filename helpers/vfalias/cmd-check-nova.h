/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other half of vfalias check. */
#ifndef VFA_VFALIAS_CMD_CHECK_NOVA_H
#define VFA_VFALIAS_CMD_CHECK_NOVA_H

#include "base/common.h"

/* Lists what carries over; returns an exit status: 0 all of it, 1 not all, 2 Nova refuses it. */
int vfa_check_nova(const char *path, bool json);

#endif
