/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the host uses a disk of a PCI device: a file system on it is mounted, it is swap, or
 * another block device (LVM, md, dm-crypt, multipath, bcache) is made of it.
 *
 * Sources: Documentation/ABI/stable/sysfs-block of the kernel (holders, dev, hidden);
 * Documentation/ABI/testing/sysfs-fs-* and fs/{ext4,xfs,f2fs,btrfs,bcachefs}/sysfs.c, for what a
 * mounted file system shows in <root>/fs, in whichever mount namespace it is mounted; proc(5) for
 * mountinfo and swaps; drivers/nvme/host/multipath.c for the names of paths.
 *
 * /proc is looked for beside the root: a made or copied /sys has a made or copied /proc there, or
 * none, and no mount of this host counts for it.
 */
#ifndef VFA_DEVICE_DISK_USE_H
#define VFA_DEVICE_DISK_USE_H

#include "base/common.h"
#include "base/error.h"
#include "sysfs.h"

/* What one run has read. Begin with all zero; clear with vfa_disks_clear(). */
struct vfa_disks {
    struct vfa_block {
        char *name; /* as in <root>/class/block */
        char *path; /* where it is below <root>/devices */
    } * blocks;
    size_t n_blocks;
    struct vfa_block_use {
        char *key; /* a block device's name, or its number as in "dev" */
        char *how; /* "is mounted on /boot" */
    } * uses;
    size_t n_uses;
    bool listed; /* the block devices have been read */
    bool read;   /* what is mounted and swap has been read */
};
void vfa_disks_clear(struct vfa_disks *disks);

/* Looks for a disk in use below a PCI device ("0000:65:00.0"), at any depth. Writes the first to
 * ret_detail ("nvme0n1p2 is mounted on /boot"), or "" if there is none. The block devices are read
 * at the first call; mounts and swap once a device has a block device. */
int vfa_disks_find(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, const char *address,
                   char *ret_detail, size_t size, struct vfa_error *err);

#endif
