/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one cleaner (config/cleaner.h) until it ends: in a session of its own, with an environment
 * of two variables, its output on a pipe, and a time limit.
 *
 * Invariants: when vfa_clean_run() returns, no process of the cleaner's process group runs, unless
 * the reason says that the group could not be killed. The cleaner inherits `lock_fd`: the lock on
 * the device lasts as long as any process of the cleaner, also if this program is killed. In that
 * case the kernel kills the cleaner (PR_SET_PDEATHSIG), and systemd kills the rest of the unit.
 */
#ifndef VFA_CLEANER_RUN_H
#define VFA_CLEANER_RUN_H

#include "base/error.h"

struct vfa_clean_job {
    const char *path; /* of the cleaner */
    const char *name; /* its argv[0] */
    const char *kind; /* its arguments: "pci" */
    const char *device;
    const char *uuid;
    unsigned timeout; /* milliseconds */
    unsigned grace;   /* milliseconds from SIGTERM to SIGKILL, and from SIGKILL to giving up */
    int lock_fd;
    void (*on_line)(const char *line); /* called for each line of output */
};

enum {
    VFA_CLEAN_FAILED = 1,  /* *ret_reason says why; free() it */
    VFA_CLEAN_STOPPED = 2, /* this program got a signal to end: run the cleaner again */
};

/* Call once, in a process with one thread: the function blocks and reads SIGCHLD, SIGTERM and
 * SIGINT. Returns 0 if the cleaner ended with exit status 0, VFA_CLEAN_FAILED, VFA_CLEAN_STOPPED,
 * or an error if the cleaner could not be started. */
int vfa_clean_run(const struct vfa_clean_job *job, char **ret_reason, struct vfa_error *err);

#endif
