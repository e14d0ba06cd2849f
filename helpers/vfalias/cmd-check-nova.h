/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option --nova of vfalias check. */
#ifndef VFA_VFALIAS_CMD_CHECK_NOVA_H
#define VFA_VFALIAS_CMD_CHECK_NOVA_H

#include "base/common.h"

/* Prints what carries over. Returns an exit status: 0 everything carries over, 1 not everything, 2
 * Nova would refuse the file. */
int vfa_check_nova(const char *path, bool json);

#endif
