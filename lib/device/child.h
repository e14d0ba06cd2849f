/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls a function in a child process, with a time limit.
 *
 * Some calls into the kernel never return: deleting a vDPA device that is open, each vDPA request
 * meanwhile, removing a mediated device that is open. The caller is in state D then; no signal and
 * no time limit of a socket ends that, and a process with such a thread cannot end either. So these
 * calls are made by a child. When its time is over, the parent goes on and leaves it behind.
 *
 * A child that is left behind has been killed: it ends as soon as the kernel lets it. Its last call
 * may still succeed. It holds none of the parent's descriptors: libvirt waits until the last writer
 * closes a hook's output, and a lock lasts until the last descriptor is closed.
 */
#ifndef VFA_DEVICE_CHILD_H
#define VFA_DEVICE_CHILD_H

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"

#define VFA_CHILD_FDS 2

struct vfa_child {
    /* Runs in the child. The result (0, positive, or negative with *err filled), the error and the
     * bytes appended to *ret become those of vfa_child_run(). It may allocate memory, but it takes
     * no lock that another thread of the parent may hold. */
    int (*run)(void *arg, struct vfa_io_data *ret, struct vfa_error *err);
    void *arg;
    const char *what;        /* completes "cannot ...", for errors of vfa_child_run() itself */
    unsigned limit_ms;       /* time limit */
    int keep[VFA_CHILD_FDS]; /* descriptors that run() needs; -1: none */
};

/* Runs the function and returns what it returned. -ETIMEDOUT: no result within the time limit; the
 * call may still have its effect later. Also -ETIMEDOUT, at once: 16 children of this process are
 * left behind already. Free *ret (may be NULL) with vfa_io_data_clear(). Any thread may call it. */
int vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret, struct vfa_error *err);

/* Appends bytes to data that run() returns, and that only this function has appended to. Returns 0
 * or -ENOMEM. */
int vfa_child_append(struct vfa_io_data *data, const void *bytes, size_t n);

#endif
