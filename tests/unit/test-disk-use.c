/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks of a PCI device that the host uses, on a fake /sys and a fake /proc next to it. */

#include "base/common.h"
#include "base/error.h"
#include "device/disk-use.h"
#include "device/sysfs.h"
#include "check.h"
#include "made-sysfs.h"

#define NVME   "0000:65:00.0"
#define SATA   "0000:00:17.0"
#define VIRTIO "0000:00:04.0"
#define PATH1  "0000:81:00.0" /* PATH1, PATH2: two controllers of one NVMe subsystem */
#define PATH2  "0000:82:00.0"

static struct vfa_sysfs sysfs;

/* `below` is relative to the folder devices. */
static void make_block(const char *below, const char *number)
{
    const char *name = strrchr(below, '/') + 1;
    char path[200], target[160];

    snprintf(path, sizeof(path), "sys/devices/%s/dev", below);
    made_file(path, number);
    snprintf(path, sizeof(path), "sys/devices/%s/holders", below);
    made_folder(path);
    snprintf(path, sizeof(path), "sys/class/block/%s", name);
    snprintf(target, sizeof(target), "../../devices/%s", below);
    made_link(path, target);
}

static void make_host(void)
{
    static const char *const folders[] = {"sys/class", "sys/devices", "sys/fs", "proc", "run"};

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        made_without(folders[i]);
    make_block("pci0000:64/0000:64:02.0/" NVME "/nvme/nvme0/nvme0n1", "259:0");
    make_block("pci0000:64/0000:64:02.0/" NVME "/nvme/nvme0/nvme0n1/nvme0n1p1", "259:1");
    make_block("pci0000:00/" SATA "/ata1/host0/target0:0:0/0:0:0:0/block/sda", "8:0");
    make_block("pci0000:00/" SATA "/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda2", "8:2");
    make_block("pci0000:00/" SATA "/ata2/host1/target1:0:0/1:0:0:0/block/sdb", "8:16");
    make_block("pci0000:00/" VIRTIO "/virtio1/block/vda", "254:0");
    make_block("pci0000:80/" PATH1 "/nvme/nvme3/nvme3c3n1", "0:0");
    make_block("pci0000:80/" PATH2 "/nvme/nvme4/nvme3c4n1", "0:0");
    make_block("virtual/nvme-subsystem/nvme-subsys3/nvme3n1", "259:8");
    make_block("virtual/nvme-subsystem/nvme-subsys3/nvme3n1/nvme3n1p2", "259:9");
    make_block("virtual/nvme-subsystem/nvme-subsys3/nvme3n10", "259:10");
    make_block("virtual/block/dm-0", "253:0");
}

static void expect(const char *label, const char *address, const char *want)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_disks_clear) struct vfa_disks disks = {0};
    char detail[160] = "?";

    for (int i = 0; i < 2; i++) {
        int r = vfa_disks_find(&disks, &sysfs, address, detail, sizeof(detail), &err);

        CHECK(r == 0 && strcmp(detail, want) == 0, "%s, %s: '%s' %s", label, address, detail,
              vfa_error_text(&err));
    }
}

#define MOUNT(number, on, type, source)                                                            \
    "29 1 " number " / " on " rw,relatime shared:1 - " type " " source " rw,errors=remount-ro"

static const struct {
    const char *label, *file, *text, *address, *want;
} cases[] = {
    {"nothing", "proc/1/mountinfo", "", NVME, ""},
    {"a partition", "proc/1/mountinfo", MOUNT("259:1", "/boot", "vfat", "/dev/nvme0n1p1"), NVME,
     "nvme0n1p1 is mounted on /boot"},
    {"a disk without a table", "proc/1/mountinfo", MOUNT("254:0", "/srv", "xfs", "/dev/vda"),
     VIRTIO, "vda is mounted on /srv"},
    {"whatever its source is called", "proc/1/mountinfo", MOUNT("8:2", "/", "ext4", "/dev/root"),
     SATA, "sda2 is mounted on /"},
    {"a port of the controller", "proc/1/mountinfo", MOUNT("8:16", "/a\\040b", "ext4", "x"), SATA,
     "sdb is mounted on /a\\040b"},
    {"of another controller", "proc/1/mountinfo", MOUNT("8:2", "/", "ext4", "/dev/sda2"), NVME, ""},
    {"of the bridge above", "proc/1/mountinfo", MOUNT("259:1", "/", "vfat", "x"), "0000:64:02.0",
     "nvme0n1p1 is mounted on /"},
    {"a device that is none of it", "proc/1/mountinfo", MOUNT("259:1", "/", "vfat", "x"),
     "0000:65:00.1", ""},
    {"a longer number", "proc/1/mountinfo", MOUNT("259:10", "/x", "vfat", "x"), NVME, ""},
    {"mounted in the program's namespace only", "proc/self/mountinfo",
     MOUNT("8:2", "/", "ext4", "x"), SATA, "sda2 is mounted on /"},
    {"a number of its own, as btrfs", "proc/1/mountinfo",
     MOUNT("0:31", "/home", "btrfs", "/dev/sda2"), SATA, "sda2 is mounted on /home"},
    {"several disks, as bcachefs", "proc/1/mountinfo",
     MOUNT("0:31", "/home", "bcachefs", "/dev/sdz:/dev/vda"), VIRTIO, "vda is mounted on /home"},
    {"a source that is no device", "proc/1/mountinfo", MOUNT("0:31", "/nfs", "nfs4", "vda:/vda"),
     VIRTIO, ""},
    {"a disk for the log", "proc/1/mountinfo",
     "30 1 8:2 / /x rw - xfs /dev/sda2 rw,logdev=/dev/vda,noquota", VIRTIO, "vda is mounted on /x"},
    {"a line that is none", "proc/1/mountinfo", "30 1 8:2", SATA, ""},
    {"no source", "proc/1/mountinfo", "30 1 8:2 / / rw - ext4", SATA, "sda2 is mounted on /"},
    {"swap", "proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 \tpartition\t999\t0\t-2",
     SATA, "sda2 is swap"},
    {"a file as swap", "proc/swaps", "/swap/sda2 file 999 0 -2", SATA, ""},
    {"ext4, mounted in a container", "sys/fs/ext4/sda2/session_write_kbytes", "1", SATA,
     "sda2 has a file system that is mounted"},
    {"xfs, likewise", "sys/fs/xfs/nvme0n1p1/log/log_head_lsn", "1", NVME,
     "nvme0n1p1 has a file system that is mounted"},
    {"a member of btrfs", "sys/fs/btrfs/8e0a/devices/sdb/dev", "8:16", SATA,
     "sdb belongs to a file system that is mounted"},
    {"both paths of a subsystem, one", "proc/1/mountinfo", MOUNT("259:9", "/", "ext4", "x"), PATH1,
     "nvme3n1p2 is mounted on /"},
    {"both paths of a subsystem, two", "proc/1/mountinfo", MOUNT("259:9", "/", "ext4", "x"), PATH2,
     "nvme3n1p2 is mounted on /"},
    {"a namespace that it has no path to", "proc/1/mountinfo", MOUNT("259:10", "/", "ext4", "x"),
     PATH1, ""},
};

static void test_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        make_host();
        expect(cases[i].label, cases[i].address, "");
        made_file(cases[i].file, cases[i].text);
        expect(cases[i].label, cases[i].address, cases[i].want);
    }
}

static const struct {
    const char *label, *block, *address, *want;
} holders[] = {
    {"dm on the disk", "nvme0n1", NVME, "nvme0n1 is part of dm-0"},
    {"dm on a partition", "sda2", SATA, "sda2 is part of dm-0"},
    {"dm on the head of paths", "nvme3n1", PATH2, "nvme3n1 is part of dm-0"},
    {"dm on another disk", "vda", SATA, ""},
};

static void test_holders(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
        char path[96];

        make_host();
        snprintf(path, sizeof(path), "sys/class/block/%s/holders/dm-0", holders[i].block);
        made_link(path, "../../../../virtual/block/dm-0");
        expect(holders[i].label, holders[i].address, holders[i].want);
    }
}

static void test_bcachefs(void)
{
    make_host();
    made_link("sys/fs/bcachefs/8e0a/dev-1/block", "../../../../devices/x/block/sdb");
    expect("a member", SATA, "sdb belongs to a file system that is mounted");
}

static void test_zfs(void)
{
    make_host();
    made_file("run/udev/data/b8:2", "S:disk/by-id/x\nE:ID_FS_TYPE=zfs_member\nE:ID_FS_VERSION=5");
    made_file("proc/spl/kstat/zfs/dbufs", "");
    expect("a label, but no pool", SATA, "");
    made_folder("proc/spl/kstat/zfs/tank");
    expect("a pool", SATA, "sda2 belongs to a ZFS pool");
    expect("a disk without the label", VIRTIO, "");
}

static void test_unreadable(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_disks_clear) struct vfa_disks disks = {0};
    char detail[8] = "as is";

    make_host();
    made_folder("proc/self/mountinfo"); /* read() fails with EISDIR */
    CHECK(vfa_disks_find(&disks, &sysfs, VIRTIO, detail, sizeof(detail), &err) < 0 &&
              check_has(&err, "cannot read '/proc/self/mountinfo'") && strcmp(detail, "as is") == 0,
          "%s", vfa_error_text(&err));
    CHECK(vfa_disks_find(&disks, &sysfs, "0000:09:00.0", detail, sizeof(detail), &err) == 0,
          "not asked for a device without a disk");
}

/* Mounts are read once: a later change does not affect this run. */
static void test_once(void)
{
    VFA_AUTO(vfa_disks_clear) struct vfa_disks disks = {0};
    char detail[160];

    make_host();
    CHECK(vfa_disks_find(&disks, &sysfs, VIRTIO, detail, sizeof(detail), NULL) == 0 && !*detail,
          "free");
    made_without("sys/class");
    made_file("proc/1/mountinfo", MOUNT("8:2", "/", "ext4", "/dev/vda"));
    CHECK(vfa_disks_find(&disks, &sysfs, VIRTIO, detail, sizeof(detail), NULL) == 0 && !*detail,
          "still");
}

int main(void)
{
    char root[64];

    sysfs = made_begin();
    vfa_sysfs_close(&sysfs);
    snprintf(root, sizeof(root), "%s/sys", made_root);
    made_folder("sys");
    if (vfa_sysfs_open(root, &sysfs, NULL) < 0)
        made_give_up(root);
    test_cases();
    test_holders();
    test_bcachefs();
    test_zfs();
    test_unreadable();
    test_once();
    made_end(&sysfs);
    return check_result();
}
