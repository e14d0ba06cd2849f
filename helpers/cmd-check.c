/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias check: is the configuration valid, and what in it is probably a mistake. Needs neither
 * devices nor state; an invalid configuration ends the program with status 2. What it says of a
 * nova.conf is in cmd-check-nova.c.
 */
#include "cmd-check-nova.h"
#include "json-out.h"

static int print_json(const struct vfa_config *config)
{
    bool oom = false;
    struct json_object *object = vfa_json_make_object(&oom);
    struct json_object *files = vfa_json_make_array(&oom), *warnings = vfa_json_make_array(&oom);

    for (size_t i = 0; i < config->n_files; i++)
        vfa_json_push(&oom, files, json_object_new_string(config->files[i]));
    for (size_t i = 0; i < config->n_warnings; i++)
        vfa_json_push(&oom, warnings, json_object_new_string(config->warnings[i]));
    vfa_json_set(&oom, object, "files", files);
    vfa_json_set(&oom, object, "warnings", warnings);
    vfa_json_set_number(&oom, object, "device_specs", (int64_t)config->n_specs);
    vfa_json_set_number(&oom, object, "aliases", (int64_t)config->n_aliases);
    return vfa_json_print(oom, object);
}

static void print_files(const struct vfa_config *config)
{
    if (config->n_files == 0) {
        printf("no configuration file: every SR-IOV VF may be claimed\n");
        return;
    }
    for (size_t i = 0; i < config->n_files; i++)
        printf("read %s\n", config->files[i]);
}

static int print_lines(const struct vfa_config *config)
{
    for (size_t i = 0; i < config->n_warnings; i++)
        printf("warning: %s\n", config->warnings[i]);
    print_files(config);
    printf("%zu device_spec%s, %zu alias%s: valid\n", config->n_specs,
           config->n_specs == 1 ? "" : "s", config->n_aliases, config->n_aliases == 1 ? "" : "es");
    return VFA_CMD_FINE;
}

int vfa_cmd_check(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    const char *nova = NULL;
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}, {"nova", NULL, &nova}};
    const struct vfa_cmd_syntax syntax = {"check", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_parse(&syntax, argc, argv, NULL, &status))
        return status;
    if (nova)
        return vfa_check_nova(nova, json);
    if (!vfa_cmd_load(ctx, &status))
        return status;
    return json ? print_json(ctx->config) : print_lines(ctx->config);
}
