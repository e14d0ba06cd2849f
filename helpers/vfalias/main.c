/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias, the command line: global options and the table of verbs. This file does not know what a
 * verb does (verbs.h) or which options it has (cmd.h).
 */

#include "base/common.h"
#include "config/config.h"
#include "cmd.h"
#include "verbs.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <string.h>

struct verb {
    const char *name;
    int (*run)(struct vfa_cmd_context *ctx, int argc, char **argv);
};

static const struct verb verbs[] = {
    {"attach", vfa_cmd_attach},   {"check", vfa_cmd_check},     {"claims", vfa_cmd_claims},
    {"detach", vfa_cmd_detach},   {"devices", vfa_cmd_devices}, {"explain", vfa_cmd_explain},
    {"gc", vfa_cmd_gc},           {"migrate", vfa_cmd_migrate}, {"quarantine", vfa_cmd_quarantine},
    {"release", vfa_cmd_release}, {"request", vfa_cmd_request}, {"rescan", vfa_cmd_rescan},
    {"resolve", vfa_cmd_resolve}, {"start", vfa_cmd_start},     {"stats", vfa_cmd_stats},
    {"vfs", vfa_cmd_vfs},
};

enum {
    OPT_CONFIG = 256,
    OPT_STATE,
    OPT_SYSFS_ROOT,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"connect", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"state", required_argument, NULL, OPT_STATE},
    {"sysfs-root", required_argument, NULL, OPT_SYSFS_ROOT},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static int set_option(struct vfa_cmd_context *ctx, int option, const char *value)
{
    const char **place = option == OPT_CONFIG       ? &ctx->config_path
                         : option == OPT_STATE      ? &ctx->state_path
                         : option == OPT_SYSFS_ROOT ? &ctx->sysfs_root
                                                    : &ctx->connect_uri;

    if (!*value)
        return vfa_cmd_fail_usage("an option has an empty value; see 'vfalias --help'");
    *place = value;
    return VFA_CMD_FINE;
}

/* Returns -1 to continue, else the exit status. */
static int read_global_options(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            vfa_cmd_print_help(NULL);
            return VFA_CMD_FINE;
        case 'V':
            puts(PACKAGE_STRING);
            return VFA_CMD_FINE;
        case ':':
            return vfa_cmd_fail_usage("option '%s' needs a value", argv[optind - 1]);
        case '?':
            if (optopt > 0 && optopt < OPT_CONFIG)
                return vfa_cmd_fail_usage("unknown option '-%c'", optopt);
            return vfa_cmd_fail_usage("unknown option '%s'", argv[optind - 1]);
        default:
            if (set_option(ctx, c, optarg) != VFA_CMD_FINE)
                return VFA_CMD_USAGE;
        }
    }
    return -1;
}

static int run_verb(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    const struct verb *verb;
    int r = read_global_options(ctx, argc, argv);

    if (r >= 0)
        return r;
    if (optind == argc)
        return vfa_cmd_fail_usage("no verb given; see 'vfalias --help'");
    argc -= optind;
    argv += optind;
    verb = find_verb(argv[0]);
    if (!verb)
        return vfa_cmd_fail_usage("unknown verb '%s'; see 'vfalias --help'", argv[0]);
    return verb->run(ctx, argc, argv);
}

int main(int argc, char **argv)
{
    struct vfa_cmd_context ctx = {0};
    int status;

    setlocale(LC_ALL, "");
    status = run_verb(&ctx, argc, argv);
    vfa_config_free(ctx.config);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == VFA_CMD_FINE)
            status = vfa_cmd_fail("cannot write to standard output: %s", strerror(errno));
    }
    return status;
}
