/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the host uses a disk of a PCI device: a file system on the disk is mounted, or the disk
 * is swap, or part of another block device (LVM, md, dm-crypt, multipath, bcache).
 *
 * Sources: Documentation/ABI/stable/sysfs-block of the kernel (holders, dev, hidden);
 * Documentation/ABI/testing/sysfs-fs-* and fs/{ext4,xfs,f2fs,btrfs,bcachefs}/sysfs.c for <root>/fs,
 * which has the file systems mounted in any mount namespace; proc(5) for mountinfo and swaps;
 * drivers/nvme/host/multipath.c for the names of paths.
 *
 * /proc is ROOT/../proc. So a fake or copied /sys has its own /proc, or none, and the mounts of
 * this host do not count for it.
 */
#ifndef VFA_DEVICE_DISK_USE_H
#define VFA_DEVICE_DISK_USE_H

#include "base/common.h"
#include "base/error.h"
#include "sysfs.h"

/* Block devices and their uses, read once per run. Initialise with zeros; free with
 * vfa_disks_clear(). */
struct vfa_disks {
    struct vfa_block {
        char *name; /* as in <root>/class/block */
        char *path; /* target of that link: the place below <root>/devices */
    } * blocks;
    size_t n_blocks;
    struct vfa_block_use {
        char *key; /* name of a block device, or its number "MAJOR:MINOR" */
        char *how; /* "is mounted on /boot" */
    } * uses;
    size_t n_uses;
    bool listed; /* `blocks` is complete */
    bool read;   /* `uses` is complete */
};
void vfa_disks_clear(struct vfa_disks *disks);

/* Finds the first disk in use below a PCI device ("0000:65:00.0"), at any depth. Writes the use to
 * ret_detail ("nvme0n1p2 is mounted on /boot"), or "" if no disk is in use. The first call reads
 * the block devices; the first call for a device with a disk reads mounts and swap. */
int vfa_disks_find(struct vfa_disks *disks, const struct vfa_sysfs *sysfs, const char *address,
                   char *ret_detail, size_t size, struct vfa_error *err);

#endif
