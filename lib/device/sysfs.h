/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads sysfs below a root that is a parameter: /sys, or a copied or fake tree. All accesses are
 * openat() below the fd of the root. "Gone" (ENOENT, ENODEV) is not an error: a device may vanish
 * between two reads (sysfs-rules of the kernel's documentation).
 */
#ifndef VFA_DEVICE_SYSFS_H
#define VFA_DEVICE_SYSFS_H

#include "base/common.h"
#include "base/error.h"

struct vfa_sysfs {
    int rootfd; /* O_PATH directory */
};

enum {
    VFA_SYSFS_GONE = 1, /* no such file or device, or it has vanished */
};

/* Opens the root ("/sys" or another tree). Close it with vfa_sysfs_close(). */
int vfa_sysfs_open(const char *root, struct vfa_sysfs *ret, struct vfa_error *err);
void vfa_sysfs_close(struct vfa_sysfs *sysfs);

/* Whether the root is the sysfs of this host: only then the host's network belongs to the tree. */
bool vfa_sysfs_is_host(const struct vfa_sysfs *sysfs);

/* Opens a directory below dirfd for the functions below. Returns the fd, or -1 with errno. */
int vfa_sysfs_opendir(int dirfd, const char *path);

/* Reads the first line of an attribute, without the newline, into buf (`size` bytes). Returns 0 and
 * terminates buf, VFA_SYSFS_GONE, or a negative errno; -EOVERFLOW: the text does not fit. */
int vfa_sysfs_read(int dirfd, const char *name, char *buf, size_t size);

/* Read an attribute with a number: hexadecimal, with or without 0x; or decimal, or -1. Same return
 * values. */
int vfa_sysfs_read_hex(int dirfd, const char *name, uint32_t *ret);
int vfa_sysfs_read_int(int dirfd, const char *name, int *ret);

/* Writes a decimal number to an attribute. Same return values; a negative errno may also be the
 * kernel's refusal of the number. */
int vfa_sysfs_write_u32(int dirfd, const char *name, uint32_t value);

/* Reads the last component of a link's target ("driver": "igbvf"). Same return values;
 * VFA_SYSFS_GONE also if it is not a link. */
int vfa_sysfs_link(int dirfd, const char *name, char *buf, size_t size);

/* Reads the name of the first entry of a directory, in strcmp order ("net": "enp1s0v0"). Same
 * return values; VFA_SYSFS_GONE also if the directory is empty. */
int vfa_sysfs_first_entry(int dirfd, const char *name, char *buf, size_t size);

#endif
