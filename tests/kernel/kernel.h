/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The made kernel: vDPA and mediated devices of a host whose sysfs tree is made. Preloaded into the
 * real programs (LD_PRELOAD), or linked into a unit test. $VFA_MADE_KERNEL is the root of the tree;
 * without it every call goes to the real kernel. Next to the root are
 *
 *   dev/      the device nodes, which are files
 *   kernel/   what the kernel knows; MadeKernel (tests/integration/madekernel.py) fills it
 *
 * All state is in these folders, so all processes see the same devices. What the made kernel does:
 *
 * - fstatfs() of the root says that it is a sysfs.
 * - Generic netlink: it answers for the family "vdpa", if bus/vdpa exists, like kernel 6.12. Each
 *   request holds kernel/lock, as the kernel holds its lock.
 * - write() to the attributes bind, unbind, create and remove does what they do.
 * - open() of dev/vhost-vdpa-N and dev/vfio/N locks the file (flock), and fails with EBUSY if
 *   another open file has the lock. A test that locks such a file is a guest that has it open.
 * - Deleting or unbinding an open vDPA device waits for the lock of its node; removing a mediated
 *   device waits for the lock of kernel/vfio/N, which stands for the open files of the device.
 *
 * The files of kernel/ are lines "KEY VALUE". Those of a test:
 *
 *   mgmtdev/NAME    a management device, '/' of its name being '!': parent (folder below the root),
 *                   classes, features, max_vqs, max_devices (0: no limit), takes (bit N: attribute
 *                   N of a new device)
 *   drivers         load: the drivers that are loaded, in order, separated by commas; the first one
 *                   takes new devices
 *   mdev/PARENT     a parent of mediated devices: path, free (units), full (errno if no unit is
 *                   free), types ("mtty-1:1,mtty-2:2": the units that a device of each needs)
 *   fail.CALL       code (errno), text: the call fails. CALL: new, del, get, mgmtdev, bind, unbind,
 *                   create, remove
 *   hang.CALL       the call waits as long as a test has this file locked
 *
 * calls has a line for each call that was made: "new NAME", "get NAME", "get *" for a list.
 *
 * Not made: uevents, DEV_CONFIG_GET, DEV_ATTR_SET, and the virtio device of virtio_vdpa.
 */
#ifndef VFA_MADE_KERNEL_H
#define VFA_MADE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_LEN 1024
#define LINE_LEN 512

/* ---- kernel-files.c: paths, records, locks ---- */

const char *kernel_root(void); /* NULL: there is no made kernel */

/* Writes the path below the root ("bus/vdpa"), or next to it ("../dev/x"). */
char *kernel_path(char path[PATH_LEN], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool kernel_exists(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kernel_put(const char *path, const char *text);    /* makes a file, or replaces it at once */
void kernel_link(const char *target, const char *path); /* both are full paths; a relative link */
void kernel_rmtree(const char *path);

/* The value of a key in a record of ../kernel, or "" ; *_number: 0. */
char *kernel_get(const char *record, const char *key, char value[LINE_LEN]);
uint64_t kernel_number(const char *record, const char *key);
void kernel_set(const char *record, const char *key, const char *value);
void kernel_set_number(const char *record, const char *key, uint64_t value);

/* Locks a file (made if missing), waiting. Returns the descriptor; close() unlocks. */
int kernel_lock(const char *path);

/* Notes the call, and waits or fails as the test wants it. Returns 0 or an errno; text: of the
 * failure. */
int kernel_call(const char *call, const char *object, char text[LINE_LEN]);

/* The lowest N for which PATTERN ("../dev/vhost-vdpa-%d") does not exist. `hint` is a file in which
 * it is remembered where to begin; kernel_release_number() after a number was given back. */
unsigned kernel_take_number(const char *hint, const char *pattern);
void kernel_release_number(const char *hint, unsigned number);

/* open() of the C library, or of the next library in line. */
int kernel_real_open(const char *path, int flags);

/* ---- kernel-vdpa.c ---- */

struct kernel_attrs {
    const char *bus, *dev, *name;
    const unsigned char *mac;
    bool has_max_vqp, has_mtu, has_features;
    uint16_t max_vqp, mtu;
    uint64_t features;
};

struct kernel_reply; /* kernel-netlink.c */

/* One request. Returns 0 or an errno; text: the kernel's explanation. */
int kernel_vdpa(unsigned command, bool dump, const struct kernel_attrs *attrs,
                struct kernel_reply *reply, char text[LINE_LEN]);

/* A write to drivers/DRIVER/bind or unbind. Returns 0 or an errno. */
int kernel_vdpa_bind(const char *driver, const char *name);
int kernel_vdpa_unbind(const char *driver, const char *name);

/* ---- kernel-mdev.c: writes to .../TYPE/create and .../UUID/remove; 0 or an errno ---- */
int kernel_mdev_create(const char *parent, const char *type, const char *uuid);
int kernel_mdev_remove(const char *parent, const char *uuid);

/* ---- kernel-netlink.c: replies ---- */
void kernel_begin(struct kernel_reply *reply, unsigned command);
void kernel_add(struct kernel_reply *reply, unsigned attr, const void *data, size_t len);
void kernel_end(struct kernel_reply *reply);

#endif
