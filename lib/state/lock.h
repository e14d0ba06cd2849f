/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks next to the state file STATE, by which one process sees that another one is alive:
 *
 *   STATE.lock     the whole file: vfaliasd is running
 *   STATE.borrow   byte N: the lease holder with the number N (vfalias detach, migrate) is running
 *   STATE.clean    byte of a device's number: its cleaner is running
 *   STATE.release  byte of a device's number: a program changes the device through its driver
 *   STATE.make     byte of a device's number: the device is being made or destroyed
 *
 * They are open-file-description locks (F_OFD_SETLK, fcntl(2)): the kernel drops them when the last
 * copy of the descriptor is closed, so also when the process is killed. F_OFD_GETLK queries a lock
 * without taking it.
 *
 * A copy of the daemon's descriptor (systemd's file-descriptor store) keeps the lock across a
 * restart. The daemon counts as running meanwhile, because the next daemon adopts the descriptor
 * and handles the events that it missed.
 *
 * Functions return 0, a value of the enum below, or a negative errno with *err filled: mostly that
 * of open(2) or fcntl(2). They write *ret and *ret_fd only on success.
 */
#ifndef VFA_STATE_LOCK_H
#define VFA_STATE_LOCK_H

#include "base/common.h"
#include "base/error.h"

enum {
    VFA_LOCK_TAKEN = 1, /* another open file description has the lock */
};

/* Takes the lock of the daemon. *ret_fd holds the lock until the last copy of it is closed. Returns
 * VFA_LOCK_TAKEN if another daemon has the lock. */
int vfa_lock_acquire(const char *state_path, int *ret_fd, struct vfa_error *err);

/* Takes the lock of the daemon with a descriptor that was handed over, open for writing. True if
 * `fd` refers to the present STATE.lock, and had the lock or could take it. */
bool vfa_lock_adopt(const char *state_path, int fd);

/* True in *ret if a daemon has the lock. */
int vfa_lock_is_held(const char *state_path, bool *ret, struct vfa_error *err);

/* Takes the lock of the lease holder with this number, from 1 (withdrawn.h). When the lease holder
 * ends, the kernel closes a file that was open for writing: that event wakes vfaliasd. Returns
 * VFA_LOCK_TAKEN if the number is in use. End with vfa_lock_endp(). */
int vfa_lock_lease(const char *state_path, int64_t number, int *ret_fd, struct vfa_error *err);
/* True in *ret if the lease holder with this number is running. */
int vfa_lock_is_leased(const char *state_path, int64_t number, bool *ret, struct vfa_error *err);

/* Takes the lock of a device, for a program that changes the device through its driver. A killed
 * program loses the lock only when its last request to the kernel has returned. Returns
 * VFA_LOCK_TAKEN if another program or thread has the lock. End with vfa_lock_endp(). */
int vfa_lock_device(const char *state_path, const char *device, int *ret_fd, struct vfa_error *err);

/* Takes the lock for making and destroying a device. A program that has the device's lock may let
 * another program do that (make-device), and be killed meanwhile. So whoever makes or destroys the
 * device takes this lock, and takes it last. Returns VFA_LOCK_TAKEN if another one is at it. End with
 * vfa_lock_endp(). */
int vfa_lock_making(const char *state_path, const char *device, int *ret_fd, struct vfa_error *err);

/* Takes the lock for the cleaner of a device. The lock lasts as long as any process has a copy of
 * the descriptor, so the cleaner keeps it. Returns VFA_LOCK_TAKEN if a cleaner of the device runs.
 * End with vfa_lock_endp(). */
int vfa_lock_cleaning(const char *state_path, const char *device, int *ret_fd,
                      struct vfa_error *err);
/* True in *ret if a cleaner of the device runs. */
int vfa_lock_is_cleaning(const char *state_path, const char *device, bool *ret,
                         struct vfa_error *err);

/* Drops the lock, closes *fd and sets it to -1; -1 is fine. A process that the close wakes finds
 * the lock free. Fits VFA_AUTO. Not for the lock of the daemon: a copy of that descriptor keeps the
 * lock across a restart. */
void vfa_lock_endp(int *fd);

#endif
