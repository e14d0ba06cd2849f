/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clean-device: runs the cleaner of one device and records its result in the state file. vfaliasd
 * starts this program as a transient systemd unit where systemd runs, because a cleaner needs
 * privileges that vfaliasd does not have (helpers/vfaliasd/clean.h).
 *
 * Invariants:
 * - A device has one clean-device process at a time: the process takes the device's lock
 *   (state/lock.h) first, and the cleaner inherits the lock.
 * - The cleaner runs only for a claim in the state cleaning, read while the lock is held. No domain
 *   can claim the device while the claim is in that state.
 * - If this program is killed at any point, the claim is unchanged and vfaliasd starts the program
 *   again. A cleaner may run twice, but is never skipped.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/kind.h"
#include "config/cleaner.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/state.h"
#include "claim/cleaning.h"
#include "helpers/shared/log.h"
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define GRACE_MS  10000
#define SETTLE_MS 30000 /* wait for a locked state file; after that the cleaner must run again */

static void log_output(const char *line)
{
    vfa_log(LOG_INFO, "%s", line);
}

static int log_clean_failure(const struct vfa_error *err)
{
    vfa_log(LOG_ERR, "%s", vfa_error_text(err));
    return EXIT_FAILURE;
}

static int find_cleaning_claim(const struct vfa_config *config, const char *device,
                               struct vfa_claim *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_READ, &state, err);

    return r == 0 ? vfa_cleaning_find(state, device, ret, err) : r;
}

/* Records the result only if the claim is still the claim that the cleaner ran for. */
static int record_result(const struct vfa_config *config, const struct vfa_claim *claim,
                         const char *reason, struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r;

    vfa_state_set_patience(SETTLE_MS);
    r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_WRITE, &state, err);
    if (r == 0)
        r = reason ? vfa_cleaning_failed(state, claim, reason, err)
                   : vfa_cleaning_done(state, claim, err);
    if (r < 0)
        return r;
    if (r == VFA_STATE_ABSENT)
        vfa_log(LOG_WARNING, "%s was claimed meanwhile: the result of its cleaner is ignored",
                claim->device);
    else if (reason)
        vfa_log(LOG_WARNING, "%s is quarantined: %s", claim->device, reason);
    else
        vfa_log(LOG_INFO, "%s of domain '%s' is clean", claim->device, claim->domain);
    return 0;
}

/* VFA_CLEAN_FAILED if the cleaner cannot be started; *ret_reason says why. */
static int run_cleaner(const struct vfa_config *config, const struct vfa_claim *claim, int lock_fd,
                       char **ret_reason, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *path = NULL;
    struct vfa_clean_job job = {.name = claim->cleaner,
                                .kind = claim->kind,
                                .device = claim->device,
                                .uuid = claim->uuid,
                                .timeout = config->clean_timeout * 1000,
                                .grace = GRACE_MS,
                                .lock_fd = lock_fd,
                                .on_line = log_output};

    if (vfa_cleaner_find(config, claim->cleaner, &path, err) < 0) {
        *ret_reason = strdup(vfa_error_text(err));
        vfa_error_clear(err);
        return *ret_reason ? VFA_CLEAN_FAILED : vfa_fail_oom(err);
    }
    job.path = path;
    vfa_log(LOG_INFO, "%s of domain '%s': running cleaner '%s'", claim->device, claim->domain,
            claim->cleaner);
    return vfa_clean_run(&job, ret_reason, err);
}

static int clean_device(const struct vfa_config *config, const char *device)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    VFA_AUTO(vfa_closep) int lock_fd = -1; /* an unkillable cleaner keeps a copy */
    VFA_AUTO(vfa_freep) char *reason = NULL;
    int r = vfa_lock_cleaning(config->state_path, device, &lock_fd, &err);

    if (r == VFA_LOCK_TAKEN)
        return EXIT_SUCCESS; /* another process cleans the device */
    if (r == 0)
        r = find_cleaning_claim(config, device, &claim, &err);
    if (r == VFA_STATE_ABSENT)
        return EXIT_SUCCESS;
    if (r == 0)
        r = run_cleaner(config, &claim, lock_fd, &reason, &err);
    if (r == VFA_CLEAN_STOPPED) {
        vfa_log(LOG_WARNING, "%s: stopped; its cleaner will be run again", device);
        return EXIT_FAILURE;
    }
    if (r >= 0)
        r = record_result(config, &claim, reason, &err);
    return r < 0 ? log_clean_failure(&err) : EXIT_SUCCESS;
}

/* Forks; the parent exits at once, the child continues in a session of its own. */
static bool run_in_background(struct vfa_error *err)
{
    pid_t pid = fork();

    if (pid < 0) {
        vfa_fail(err, errno, "cannot start a process: %s", strerror(errno));
        return false;
    }
    if (pid > 0)
        _exit(EXIT_SUCCESS);
    setsid();
    return true;
}

static int print_usage_line(void)
{
    fputs("usage: clean-device [--config FILE] [--detach] DEVICE\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'}, {"detach", no_argument, NULL, 'd'}, {0}};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    const char *path = NULL;
    bool alone = false;
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c == 'c')
            path = optarg;
        else if (c == 'd')
            alone = true;
        else
            return print_usage_line();
    }
    if (optind + 1 != argc || !vfa_kind_of(argv[optind]))
        return print_usage_line();
    vfa_log_init("vfalias-clean", LOG_INFO);
    if (vfa_config_load(path, &config, &err) < 0 || (alone && !run_in_background(&err)))
        return log_clean_failure(&err);
    vfa_log_set_level(config->log_level);
    return clean_device(config, argv[optind]);
}
