/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes the file of an attribute below a device's folder in sysfs. A name never leads
 * out of the folder: vfa_attribute_refusal() excludes "..", and no part of the path may be a
 * symbolic link. Each part is opened below the one before with O_NOFOLLOW, so that no other process
 * can replace a part meanwhile. (openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS does the
 * same, but Linux 5.5 and older and some filters of system calls do not have it.)
 *
 * Functions return 0 or a negative errno; *err has the reason alone ("Device or resource busy"):
 * the caller says which attribute of which device. -EINVAL: the name is not allowed. -ENOENT,
 * -ENODEV: there is no such file, or it has vanished with its driver or its device.
 */
#ifndef VFA_DEVICE_ATTRIBUTE_FILE_H
#define VFA_DEVICE_ATTRIBUTE_FILE_H

#include "base/common.h"
#include "base/error.h"
#include "attributes.h"

/* Reads the value, without blanks at its end, into `ret`. -EACCES: the file can only be written.
 * -EOVERFLOW: the value is too long. -EILSEQ: it has a NUL, so it is no text. */
int vfa_attribute_read(int device_fd, const char *name, char ret[VFA_ATTRIBUTE_VALUE_MAX + 1],
                       struct vfa_error *err);

/* Writes the value and a newline, in one write(2): a driver sees all of it or nothing. An empty
 * value is a newline alone, because the kernel does not pass an empty write to a driver. Other
 * errors are those of the driver. */
int vfa_attribute_write(int device_fd, const char *name, const char *value, struct vfa_error *err);

/* Writes what vfa_attribute_to_write() makes of the value, and reads the file again. -EPROTO: the
 * file does not show the value now (vfa_attribute_same()), although the driver has taken it. */
int vfa_attribute_set(int device_fd, const char *name, const char *value, struct vfa_error *err);

/* Whether another attempt may succeed soon. EPERM and EIO count, too: NVIDIA's driver and others
 * that talk to firmware return them while the firmware is at work. */
bool vfa_attribute_is_busy(const struct vfa_error *err);

#endif
