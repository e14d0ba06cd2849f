/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one cleaner (cleaner.h) to its end: in a session of its own, with an environment of two
 * variables, its output on a pipe, and a time limit.
 *
 * Invariants: when this returns, nothing of the cleaner's process group runs, unless the reason
 * says that it could not be killed. The cleaner inherits `lock_fd`, so that the lock on its device
 * lasts for as long as any process of it does, also if this program is killed. If that happens, the
 * kernel kills the cleaner itself (PR_SET_PDEATHSIG), and systemd what else is in its unit.
 */
#ifndef VFA_CLEANER_RUN_H
#define VFA_CLEANER_RUN_H

#include "base/error.h"

struct vfa_clean_job {
    const char *path; /* of the program */
    const char *name; /* its argv[0] */
    const char *kind; /* its arguments: "pci" */
    const char *device;
    const char *uuid;
    unsigned timeout; /* milliseconds */
    unsigned grace;   /* milliseconds between SIGTERM and SIGKILL, and then until it is given up */
    int lock_fd;
    void (*on_line)(const char *line); /* a line of its output, as it comes */
};

enum {
    VFA_CLEAN_FAILED = 1,  /* *ret_reason says why; free() it */
    VFA_CLEAN_STOPPED = 2, /* this program was asked to end: the cleaner has to be run again */
};

/* To be called once in a process that has one thread: it takes SIGCHLD, SIGTERM and SIGINT. 0: the
 * cleaner ended with exit status 0. VFA_CLEAN_FAILED, VFA_CLEAN_STOPPED, or an error: it could not
 * be started. */
int vfa_clean_run(const struct vfa_clean_job *job, char **ret_reason, struct vfa_error *err);

#endif
