/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See maker.h. make-device ends within its own time limits, if the kernel answers at all. The unit
 * has a longer one, in case make-device does not keep them; and so has the wait. `making` counts the
 * threads that wait for one.
 */

#include "maker.h"

#include "base/common.h"
#include "base/error.h"
#include "provision/provisioner.h"
#include "helpers/shared/log.h"
#include "helpers/shared/maker-status.h"
#include "helpers/shared/unit.h"
#include "crew.h"
#include "daemon.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define PROGRAM   PKGLIBEXECDIR "/make-device"
#define UNIT_S    60
#define LIMIT_S   65
#define TEXT_SIZE 512
#define AT_ONCE   (VFA_DAEMON_WORKERS / 2) /* if the kernel hangs, the other workers go on */

static atomic_uint making;

/* The last line is the error, if there is one. */
static void take_line(void *data, const char *line)
{
    char *last = data;

    if (*last)
        vfa_log(LOG_WARNING, "%s", last);
    snprintf(last, TEXT_SIZE, "%s", line);
}

static int judge_status(int status, const char *device, const char *last, struct vfa_error *err)
{
    int r = vfa_maker_result(status);

    if (r == 0) {
        if (*last)
            vfa_log(LOG_WARNING, "%s", last);
        return 0;
    }
    if (r < 0)
        return vfa_fail(err, ECHILD, "make-device has failed for %s: %s", device,
                        *last ? last : "it wrote nothing");
    if (r != VFA_VF_STALE)
        vfa_fail(err, r == VFA_VF_NOT_NOW ? EBUSY : EIO, "%s", last);
    return r;
}

static int run_maker_unit(struct vfa_daemon *d, const char *verb, const char *device,
                          struct vfa_error *err)
{
    const struct vfa_unit unit = {.program = PROGRAM,
                                  .name = "vfalias-make",
                                  .object = device,
                                  .does = "makes or destroys",
                                  .max_s = UNIT_S,
                                  .config = d->config_path,
                                  .args = {verb, device}};
    char last[TEXT_SIZE] = "";
    int status = 0, r;

    vfa_crew_leave(d->crew);
    vfa_log(LOG_DEBUG, "starting make-device: %s %s", verb, device);
    r = vfa_unit_run(&unit, LIMIT_S, take_line, last, &status, err);
    return r < 0 ? r : judge_status(status, device, last, err);
}

int vfa_daemon_run_maker(void *daemon, const char *verb, const char *device, struct vfa_error *err)
{
    int r;

    if (atomic_fetch_add(&making, 1) < AT_ONCE)
        r = run_maker_unit(daemon, verb, device, err);
    else
        r = vfa_fail(err, EAGAIN, "%s has to wait: %d other devices are being made or destroyed",
                     device, AT_ONCE);
    atomic_fetch_sub(&making, 1);
    return r;
}
