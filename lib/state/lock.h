/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is vfaliasd there? It holds an open-file-description lock on STATE.lock beside the state file for
 * as long as it lives, so that being killed counts as being gone. Asking takes nothing:
 * F_OFD_GETLK.
 *
 * Likewise for whoever takes devices out of a guest for a while (vfalias migrate): such a borrower
 * has a number, and the lock is on the byte of that number in STATE.borrow. When it ends, the file
 * is closed after it was open for writing, which is what wakes vfaliasd.
 *
 * Likewise for whoever runs the cleaner of a device: the lock is on the byte of the device's number
 * in STATE.clean.
 *
 * Who has the daemon's file open beyond its end, by the same description, keeps its place for the
 * next one to adopt: that counts as being there, as that one will make up for what it missed.
 */
#ifndef VFA_STATE_LOCK_H
#define VFA_STATE_LOCK_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"

enum {
    VFA_LOCK_TAKEN = 1, /* another daemon has it */
};

/* The daemon's side: *ret_fd holds the lock until it is closed. 0, VFA_LOCK_TAKEN or an error.
 */
int vfa_lock_acquire(const char *state_path, int *ret_fd, struct vfa_error *err);

/* Likewise with a descriptor that is open for writing: true if it is of the lock file as that is
 * now and has the lock, be it that it had it or that it was free. */
bool vfa_lock_adopt(const char *state_path, int fd);

/* Everybody else's: true in *ret if a daemon has the lock. */
int vfa_lock_is_held(const char *state_path, bool *ret, struct vfa_error *err);

/* The same for the borrower of that number, from 1. */
int vfa_lock_lease(const char *state_path, int64_t number, int *ret_fd, struct vfa_error *err);
int vfa_lock_is_leased(const char *state_path, int64_t number, bool *ret, struct vfa_error *err);

/* Likewise for whoever tells a device's driver something: the byte of the device's address in
 * STATE.release. A program that is killed loses the lock only when its last request to the kernel
 * has returned. 0, VFA_LOCK_TAKEN (another program or thread has it) or an error. */
int vfa_lock_device(const char *state_path, const struct vfa_pci_addr *addr, int *ret_fd,
                    struct vfa_error *err);

/* The same for who cleans a device. The lock lasts for as long as any process has a copy of the
 * descriptor. */
int vfa_lock_cleaning(const char *state_path, const struct vfa_pci_addr *device, int *ret_fd,
                      struct vfa_error *err);
int vfa_lock_is_cleaning(const char *state_path, const struct vfa_pci_addr *device, bool *ret,
                         struct vfa_error *err);

/* Ends a borrower's or a device's, so that whoever wakes of that finds it ended. Fits VFA_AUTO; -1
 * is fine. Never for a daemon's, whose place may be kept. */
void vfa_lock_endp(int *fd);

#endif
