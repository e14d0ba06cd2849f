/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program of vfalias as root and not confined, for a daemon that is confined: as a transient
 * unit of systemd. Such a program writes to /sys and opens devices, which the unit of the daemon may
 * not, and it goes on during a restart of the daemon. systemd allows root to start units by its uid,
 * without any capability. systemd refuses a second unit of the same name.
 *
 * If systemd does not run this process, it is not confined, and starts the program itself.
 */
#ifndef VFA_SHARED_UNIT_H
#define VFA_SHARED_UNIT_H

#include "base/common.h"
#include "base/error.h"

#define VFA_UNIT_ARGS 4

struct vfa_unit {
    const char *program;             /* its absolute path */
    const char *name;                /* of the unit, and of the program in the journal */
    const char *object;              /* completes the name of the unit */
    const char *does;                /* "cleans": for the description of the unit */
    unsigned max_s;                  /* systemd ends the unit after so many seconds */
    const char *config;              /* --config of this process, or NULL */
    const char *args[VFA_UNIT_ARGS]; /* of the program, behind --config; NULL: no more */
};

/* Starts the program and does not wait for its end. A program that runs without systemd gets the
 * option --detach, and must then go on by itself. */
int vfa_unit_start(const struct vfa_unit *unit, struct vfa_error *err);

/* Runs the program and waits for its end, at most `limit_s` seconds. *ret_status is its exit status;
 * 1 as well if it was not started, or did not end by itself. `on_line` gets each line that it writes.
 * -ETIMEDOUT: it has not ended; systemd ends it later. */
int vfa_unit_run(const struct vfa_unit *unit, unsigned limit_s,
                 void (*on_line)(void *data, const char *line), void *data, int *ret_status,
                 struct vfa_error *err);

#endif
