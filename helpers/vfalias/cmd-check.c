/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias check: whether the configuration is valid, and warnings about probable mistakes. Reads
 * neither devices nor state. Exit status 2: the configuration is invalid, or a cleaner cannot be
 * run. The option --nova is in cmd-check-nova.h.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/cleaner.h"
#include "config/config.h"
#include "helpers/shared/virt-uri.h"
#include "cmd-check-nova.h"
#include "cmd.h"
#include "json-out.h"
#include "verbs.h"

#include <string.h>

/* Whether an earlier device_spec names the same cleaner: it was checked then. */
static bool is_repeated(const struct vfa_config *config, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (config->specs[j].clean && strcmp(config->specs[j].clean, config->specs[i].clean) == 0)
            return true;
    }
    return false;
}

/* Returns how many cleaners cannot be run; calls `report` for each. */
static size_t check_cleaners(const struct vfa_config *config,
                             void (*report)(void *data, const char *text), void *data)
{
    size_t n = 0;

    for (size_t i = 0; i < config->n_specs; i++) {
        const struct vfa_spec *spec = &config->specs[i];
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

        if (!spec->clean || is_repeated(config, i) ||
            vfa_cleaner_find(config, spec->clean, NULL, &err) == 0)
            continue;
        vfa_wrap(&err, "%s:%u", spec->where.file, spec->where.line);
        report(data, vfa_error_text(&err));
        n++;
    }
    return n;
}

/* Calls `report` if vfaliasd would refuse to start because of libvirt_uri. */
static void check_libvirt(const struct vfa_config *config,
                          void (*report)(void *data, const char *text), void *data)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (vfa_virt_check_uri(config->libvirt_uri, &err) < 0)
        report(data, vfa_error_text(&err));
}

struct list {
    struct json_object *array;
    bool *oom;
};

static void add_text(void *data, const char *text)
{
    struct list *list = data;

    vfa_json_push(list->oom, list->array, json_object_new_string(text));
}

static int print_check_json(const struct vfa_config *config)
{
    size_t n_errors;
    int status;
    bool oom = false;
    struct json_object *object = vfa_json_make_object(&oom);
    struct json_object *files = vfa_json_make_array(&oom), *warnings = vfa_json_make_array(&oom);
    struct list errors = {vfa_json_make_array(&oom), &oom};
    struct list more_warnings = {warnings, &oom};

    n_errors = check_cleaners(config, add_text, &errors);

    for (size_t i = 0; i < config->n_files; i++)
        vfa_json_push(&oom, files, json_object_new_string(config->files[i]));
    for (size_t i = 0; i < config->n_warnings; i++)
        vfa_json_push(&oom, warnings, json_object_new_string(config->warnings[i]));
    check_libvirt(config, add_text, &more_warnings);
    vfa_json_set(&oom, object, "files", files);
    vfa_json_set(&oom, object, "errors", errors.array);
    vfa_json_set(&oom, object, "warnings", warnings);
    vfa_json_set_number(&oom, object, "device_specs", (int64_t)config->n_specs);
    vfa_json_set_number(&oom, object, "aliases", (int64_t)config->n_aliases);
    status = vfa_json_print(oom, object);
    return n_errors && status == VFA_CMD_FINE ? VFA_CMD_USAGE : status;
}

static void print_check_error(void *data, const char *text)
{
    (void)data;
    vfa_cmd_fail("%s", text);
}

static void print_check_warning(void *data, const char *text)
{
    (void)data;
    printf("warning: %s\n", text);
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

static int print_check_lines(const struct vfa_config *config)
{
    size_t n_errors = check_cleaners(config, print_check_error, NULL);

    for (size_t i = 0; i < config->n_warnings; i++)
        print_check_warning(NULL, config->warnings[i]);
    check_libvirt(config, print_check_warning, NULL);
    print_files(config);
    printf("%zu device_spec%s, %zu alias%s: %s\n", config->n_specs, config->n_specs == 1 ? "" : "s",
           config->n_aliases, config->n_aliases == 1 ? "" : "es",
           n_errors ? "valid, but cleaners cannot be run" : "valid");
    return n_errors ? VFA_CMD_USAGE : VFA_CMD_FINE;
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
    return json ? print_check_json(ctx->config) : print_check_lines(ctx->config);
}
