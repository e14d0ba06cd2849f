/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes and destroys devices for this daemon, which may neither write to /sys nor open devices: by
 * make-device, as a unit of its own (helpers/shared/unit.h). The caller waits for the result, and
 * gives its place among the workers to another worker meanwhile (crew.h).
 */
#ifndef VFA_VFALIASD_MAKER_H
#define VFA_VFALIASD_MAKER_H

#include "base/error.h"

/* Fits run_maker of struct vfa_host; `daemon` is the struct vfa_daemon. The results are those of
 * vfa_made_errand() (provision/made.h). -EAGAIN: half of the workers wait for make-device already;
 * -ETIMEDOUT: it has not ended; -ECHILD: it was not started, or has failed. */
int vfa_daemon_run_maker(void *daemon, const char *verb, const char *device, struct vfa_error *err);

#endif
