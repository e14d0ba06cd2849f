/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading sysfs below a root that is a parameter, so that a copied or made tree serves as well as
 * /sys. All accesses are openat() below the root's fd. "Gone" (ENOENT, ENODEV) is not an error: a
 * device may vanish between two reads (sysfs-rules of the kernel's documentation).
 */
#ifndef VFA_DEVICE_SYSFS_H
#define VFA_DEVICE_SYSFS_H

#include "base/common.h"
#include "base/error.h"

struct vfa_sysfs {
    int rootfd; /* O_PATH directory */
};

enum {
    VFA_SYSFS_GONE = 1, /* no such file or device (any more) */
};

/* Opens root ("/sys" or another tree). Close with vfa_sysfs_close(). */
int vfa_sysfs_open(const char *root, struct vfa_sysfs *ret, struct vfa_error *err);
void vfa_sysfs_close(struct vfa_sysfs *sysfs);

/* True if the root is the sysfs of this host, so that the host's own network is that of the tree.
 */
bool vfa_sysfs_is_host(const struct vfa_sysfs *sysfs);

/* Opens a directory below dirfd for the functions below; returns the fd, or VFA_SYSFS_GONE as -1.
 */
int vfa_sysfs_opendir(int dirfd, const char *path);

/* Reads the first line of an attribute, trailing newline removed, into buf (size bytes, always
 * terminated). Returns 0, VFA_SYSFS_GONE, or a negative errno (text longer than buf: -EOVERFLOW).
 */
int vfa_sysfs_read(int dirfd, const char *name, char *buf, size_t size);

/* Reads an attribute with a number: "0x8086" and "8086" are hexadecimal when base is 16. */
int vfa_sysfs_read_hex(int dirfd, const char *name, uint32_t *ret);
int vfa_sysfs_read_int(int dirfd, const char *name, int *ret);

/* Writes a number to an attribute. Returns as vfa_sysfs_read() does; what the kernel objects to the
 * number is a negative errno. */
int vfa_sysfs_write_u32(int dirfd, const char *name, uint32_t value);

/* The last component of what a symlink points to ("driver" -> "igbvf"). Same return values. */
int vfa_sysfs_link(int dirfd, const char *name, char *buf, size_t size);

/* The name of the first entry in a directory, in strcmp order ("net" -> "enp1s0v0"). */
int vfa_sysfs_first_entry(int dirfd, const char *name, char *buf, size_t size);

#endif
