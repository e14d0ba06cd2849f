/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-device: makes or destroys one device as the state file says (provision/made.h). vfaliasd
 * starts this program as a transient systemd unit where systemd runs, since making a device needs
 * privileges that vfaliasd does not have (helpers/vfaliasd/maker.h).
 *
 * Invariants:
 * - It does nothing that is not on record: it makes a device only for a claim that a domain holds,
 *   and destroys only what was made for a claim.
 * - If this program is killed at any point, the record is there, and vfaliasd starts it again.
 * - Its exit status and its output are the result (helpers/shared/maker-status.h).
 */

#include "base/common.h"
#include "base/error.h"
#include "device/kind.h"
#include "config/config.h"
#include "host/host.h"
#include "provision/made.h"
#include "helpers/shared/maker-status.h"

#include <getopt.h>
#include <string.h>

static void print_line(const char *text)
{
    (void)fprintf(stderr, "%s\n", text);
}

static int run_errand(const struct vfa_config *config, const char *verb, const char *device)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_host_open(config, &host, &err);

    host.warn = print_line;
    if (r == 0)
        r = vfa_made_errand(&host, verb, device, &err);
    if (err.code)
        print_line(vfa_error_text(&err));
    return vfa_maker_status(r);
}

static int print_maker_usage(void)
{
    fputs("usage: make-device [--config FILE] make|destroy DEVICE\n", stderr);
    return 2;
}

static bool is_verb(const char *text)
{
    return strcmp(text, VFA_MADE_MAKE) == 0 || strcmp(text, VFA_MADE_DESTROY) == 0;
}

int main(int argc, char **argv)
{
    static const struct option table[] = {{"config", required_argument, NULL, 'c'}, {0}};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    const char *path = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c != 'c')
            return print_maker_usage();
        path = optarg;
    }
    if (optind + 2 != argc || !is_verb(argv[optind]) || !vfa_kind_of(argv[optind + 1]))
        return print_maker_usage();
    if (vfa_config_load(path, &config, &err) < 0) {
        print_line(vfa_error_text(&err));
        return VFA_MAKER_STATUS_FAILED;
    }
    return run_errand(config, argv[optind], argv[optind + 1]);
}
