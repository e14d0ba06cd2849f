/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cleaners: programs of the administrator that prepare a device for its next owner. The key `clean`
 * of a device_spec names a cleaner; the program is a file in the folder clean.d, which is in the
 * same folder as the configuration file.
 *
 * root runs the cleaners. So only root may change them: root (or the user who runs this program)
 * owns the file and the folder, nobody else may write to them, and neither is a symbolic link.
 */
#ifndef VFA_CONFIG_CLEANER_H
#define VFA_CONFIG_CLEANER_H

#include "base/error.h"
#include "config.h"

/* Checks the cleaner of that name. Writes its path to *ret_path if not NULL; free() it. Errors name
 * the file or folder and the reason. */
int vfa_cleaner_find(const struct vfa_config *config, const char *name, char **ret_path,
                     struct vfa_error *err);

#endif
