/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cleaners: the administrator's programs that make a device fit for its next owner. A device_spec
 * names one by `clean`; it is a file in the folder clean.d beside the configuration file.
 *
 * A cleaner is run by root. So only root may be able to change it: the file and the folder belong
 * to root (or to the user who runs this program), nobody else may write into them, and neither is a
 * symbolic link.
 */
#ifndef VFA_CONFIG_CLEANER_H
#define VFA_CONFIG_CLEANER_H

#include "base/error.h"
#include "config.h"

/* Checks the cleaner of that name. *ret_path, if not NULL, gets its path; free() it. Errors say
 * which file or folder is wrong, and why. */
int vfa_cleaner_find(const struct vfa_config *config, const char *name, char **ret_path,
                     struct vfa_error *err);

#endif
