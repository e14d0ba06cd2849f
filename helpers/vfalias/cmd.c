/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See cmd.h. The synopsis is the text of man/synopsis.txt, as in the manual page. A verb's lines in
 * the synopsis start with "vfalias [OPTION]... VERB"; indented lines continue them. man/help.awk
 * takes the description of a verb and its options from man/vfalias.pod.
 */

#include "cmd.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/state.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

static const char synopsis_text[] =
#include "helpers/vfalias/synopsis.inc"
    ;

static const struct {
    const char *verb, *text;
} help_texts[] = {
#include "helpers/vfalias/help.inc"
};

#define SYNOPSIS_START "vfalias [OPTION]... "

/* Prints one line: control characters in what the user typed or libvirt said become blanks. */
static VFA_PRINTF(1, 0) void print_error_line(const char *fmt, va_list args)
{
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    for (char *p = text; p && *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    }
    fprintf(stderr, "vfalias: %s\n", text ? text : "out of memory");
}

int vfa_cmd_fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_error_line(fmt, args);
    va_end(args);
    return VFA_CMD_NO;
}

int vfa_cmd_fail_usage(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_error_line(fmt, args);
    va_end(args);
    return VFA_CMD_USAGE;
}

int vfa_cmd_fail_error(const struct vfa_error *err)
{
    return vfa_cmd_fail("%s", vfa_error_text(err));
}

void vfa_cmd_warn(const char *text)
{
    vfa_cmd_fail("warning: %s", text);
}

/* Whether a text starts with the words of a verb. Words of the text may be in brackets. */
static bool starts_verb(const char *text, const char *verb)
{
    while (*verb) {
        if (*text == '[' || *text == ']')
            text++;
        else if (*text++ != *verb++)
            return false;
    }
    text += *text == ']';
    return *text == ' ' || *text == '\n' || !*text;
}

static void print_synopsis_of(const char *verb)
{
    bool on = false;

    for (const char *line = synopsis_text; *line;) {
        size_t len = strcspn(line, "\n") + 1;

        if (*line != ' ')
            on = strncmp(line, SYNOPSIS_START, strlen(SYNOPSIS_START)) == 0 &&
                 starts_verb(line + strlen(SYNOPSIS_START), verb);
        if (on)
            fwrite(line, 1, len, stdout);
        line += len;
    }
}

void vfa_cmd_print_help(const char *verb)
{
    if (!verb) {
        fputs(synopsis_text, stdout);
        return;
    }
    print_synopsis_of(verb);
    for (size_t i = 0; i < ARRAY_SIZE(help_texts); i++) {
        if (!starts_verb(help_texts[i].verb, verb))
            continue;
        if (strcmp(help_texts[i].verb, verb) != 0)
            printf("\n%s:", help_texts[i].verb);
        printf("\n%s", help_texts[i].text);
    }
}

/* ---- parsing ---- */

enum {
    FLAG_FIRST = 256, /* + index in the verb's flags */
    FLAGS_MAX = 32,
};

static void fill_options(const struct vfa_cmd_syntax *syntax, struct option *options)
{
    size_t i;

    for (i = 0; i < syntax->n_flags && i < FLAGS_MAX; i++) {
        options[i].name = syntax->flags[i].name;
        options[i].has_arg = syntax->flags[i].value ? required_argument : no_argument;
        options[i].flag = NULL;
        options[i].val = FLAG_FIRST + (int)i;
    }
    options[i++] = (struct option){"help", no_argument, NULL, 'h'};
    options[i] = (struct option){NULL, 0, NULL, 0};
}

/* False: the option was repeated more than VFA_CMD_REPEAT_MAX times. */
static bool set_flag(const struct vfa_cmd_flag *flag, const char *value)
{
    size_t i = 0;

    if (flag->on)
        *flag->on = true;
    if (!flag->value)
        return true;
    while (flag->on && i < VFA_CMD_REPEAT_MAX && flag->value[i])
        i++;
    if (i == VFA_CMD_REPEAT_MAX)
        return false;
    flag->value[i] = value;
    return true;
}

/* Returns -1 to continue, else the exit status. */
static int parse_flags(const struct vfa_cmd_syntax *syntax, int argc, char **argv)
{
    struct option options[FLAGS_MAX + 2];
    int c;

    fill_options(syntax, options);
    optind = 0; /* main() has used getopt_long() already: reset it */
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            vfa_cmd_print_help(syntax->verb);
            return VFA_CMD_FINE;
        case ':':
            return vfa_cmd_fail_usage("%s: option '%s' needs a value", syntax->verb,
                                      argv[optind - 1]);
        case '?':
            if (optopt > 0 && optopt < FLAG_FIRST)
                return vfa_cmd_fail_usage("%s: unknown option '-%c'", syntax->verb, optopt);
            return vfa_cmd_fail_usage("%s: unknown option '%s'", syntax->verb, argv[optind - 1]);
        default:
            if (!set_flag(&syntax->flags[c - FLAG_FIRST], optarg))
                return vfa_cmd_fail_usage("%s: more than %d times --%s", syntax->verb,
                                          VFA_CMD_REPEAT_MAX, syntax->flags[c - FLAG_FIRST].name);
        }
    }
    return -1;
}

/* Returns -1 to continue, else the exit status. */
static int parse_operands(const struct vfa_cmd_syntax *syntax, int argc, char **argv,
                          const char **ret)
{
    int i = 0;

    for (; syntax->operands[i]; i++) {
        ret[i] = NULL;
        if (optind + i >= argc && *syntax->operands[i] == '[')
            continue;
        if (optind + i >= argc)
            return vfa_cmd_fail_usage("%s: %s is missing", syntax->verb, syntax->operands[i]);
        if (!*argv[optind + i])
            return vfa_cmd_fail_usage("%s: %s is empty", syntax->verb, syntax->operands[i]);
        ret[i] = argv[optind + i];
    }
    if (optind + i < argc)
        return vfa_cmd_fail_usage("%s: unexpected argument '%s'", syntax->verb, argv[optind + i]);
    return -1;
}

/* ---- configuration ---- */

static int replace_text(char **place, const char *text, struct vfa_error *err)
{
    char *copy;

    if (!text)
        return 0;
    copy = strdup(text);
    if (!copy)
        return vfa_fail_oom(err);
    free(*place);
    *place = copy;
    return 0;
}

static int load_config(struct vfa_cmd_context *ctx, struct vfa_error *err)
{
    int r = vfa_config_load(ctx->config_path, &ctx->config, err);

    if (r < 0)
        return r;
    ctx->foreign = ctx->sysfs_root && strcmp(ctx->sysfs_root, ctx->config->sysfs_root) != 0;
    ctx->use_state = !ctx->foreign || ctx->state_path;
    if (ctx->state_path)
        vfa_state_leave_damaged();
    r = replace_text(&ctx->config->sysfs_root, ctx->sysfs_root, err);
    if (r == 0)
        r = replace_text(&ctx->config->state_path, ctx->state_path, err);
    return r;
}

bool vfa_cmd_parse(const struct vfa_cmd_syntax *syntax, int argc, char **argv,
                   const char **ret_operands, int *ret_exit)
{
    int status = parse_flags(syntax, argc, argv);

    if (status < 0)
        status = parse_operands(syntax, argc, argv, ret_operands);
    *ret_exit = status;
    return status < 0;
}

bool vfa_cmd_load(struct vfa_cmd_context *ctx, int *ret_exit)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (load_config(ctx, &err) == 0)
        return true;
    *ret_exit = vfa_cmd_fail_usage("%s", vfa_error_text(&err));
    return false;
}

bool vfa_cmd_begin(struct vfa_cmd_context *ctx, const struct vfa_cmd_syntax *syntax, int argc,
                   char **argv, const char **ret_operands, int *ret_exit)
{
    return vfa_cmd_parse(syntax, argc, argv, ret_operands, ret_exit) && vfa_cmd_load(ctx, ret_exit);
}

/* ---- state ---- */

int vfa_cmd_open_state(const struct vfa_cmd_context *ctx, struct vfa_state **ret,
                       struct vfa_error *err)
{
    int r;

    *ret = NULL;
    if (!ctx->use_state)
        return 0;
    r = vfa_state_open(ctx->config->state_path, ctx->config->libvirt_run, VFA_STATE_READ, ret, err);
    return r == VFA_STATE_ABSENT ? 0 : r;
}

int vfa_cmd_load_claims(const struct vfa_cmd_context *ctx, const char *uuid, struct vfa_claims *ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_cmd_open_state(ctx, &state, err);

    *ret = (struct vfa_claims){0};
    return r < 0 || !state ? r : vfa_state_claims(state, uuid, ret, err);
}

int vfa_cmd_load_all_claims(const struct vfa_cmd_context *ctx, struct vfa_claims *ret,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_cmd_open_state(ctx, &state, err);

    *ret = (struct vfa_claims){0};
    return r < 0 || !state ? r : vfa_state_all_claims(state, NULL, ret, err);
}

void vfa_cmd_print_dropped(size_t claims, size_t left)
{
    printf("%zu claim%s dropped\n", claims, claims == 1 ? "" : "s");
    if (left > 0)
        printf("%zu device%s still being released: see 'vfalias claims'\n", left,
               left == 1 ? " is" : "s are");
}

bool vfa_cmd_may_write(const struct vfa_cmd_context *ctx)
{
    if (ctx->use_state)
        return true;
    vfa_cmd_fail_usage("cannot change the state of this host for the tree '%s': give --state too",
                       ctx->sysfs_root);
    return false;
}

const char *vfa_cmd_time(int64_t since, bool utc, char *buf, size_t size)
{
    time_t t = (time_t)since;
    struct tm tm;

    if (!(utc ? gmtime_r(&t, &tm) : localtime_r(&t, &tm)) ||
        strftime(buf, size, utc ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d %H:%M:%S", &tm) == 0)
        buf[0] = '\0';
    return buf;
}
