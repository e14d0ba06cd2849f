/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of section [vfalias] and their defaults. Unlike in [pci], an unknown key is an error.
 */

#include "base/error.h"
#include "base/parse.h"
#include "spec/spec.h"
#include "config.h"
#include "private.h"
#include "report.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#define MAX_TIMEOUT (7 * 24 * 3600)

static int set_text(char **slot, const char *value, struct vfa_error *err)
{
    char *copy = strdup(value);

    if (!copy)
        return vfa_fail_oom(err);
    free(*slot);
    *slot = copy;
    return 0;
}

/* Requires an absolute path, because hooks and vfaliasd run in other folders. */
static int set_path(char **slot, const char *key, const char *value, const struct vfa_where *where,
                    struct vfa_error *err)
{
    if (value[0] != '/')
        return vfa_config_fail(where, err, "cannot use %s '%.200s': it is not an absolute path",
                               key, value);
    return set_text(slot, value, err);
}

static int set_level(int *slot, const char *key, const char *value, const struct vfa_where *where,
                     struct vfa_error *err)
{
    if (vfa_parse_log_level(value, slot) == 0)
        return 0;
    return vfa_config_fail(
        where, err, "cannot use %s '%.40s': it is none of error, warning, info, debug", key, value);
}

static int set_timeout(unsigned *slot, const char *key, const char *value,
                       const struct vfa_where *where, struct vfa_error *err)
{
    uint32_t seconds;

    if (vfa_parse_u32(value, MAX_TIMEOUT, &seconds) < 0 || seconds == 0)
        return vfa_config_fail(where, err,
                               "cannot use %s '%.40s': a number of seconds, 1 to %d, is wanted",
                               key, value, MAX_TIMEOUT);
    *slot = seconds;
    return 0;
}

static int set_bool(bool *slot, const char *key, const char *value, const struct vfa_where *where,
                    struct vfa_error *err)
{
    if (vfa_parse_bool(value, slot) < 0)
        return vfa_config_fail(where, err, "cannot use %s '%.40s': it is neither yes nor no", key,
                               value);
    return 0;
}

int vfa_config_set(struct vfa_config *config, const char *key, const char *value,
                   const struct vfa_where *where, struct vfa_error *err)
{
    if (strcmp(key, "state") == 0)
        return set_path(&config->state_path, key, value, where, err);
    if (strcmp(key, "sysfs_root") == 0)
        return set_path(&config->sysfs_root, key, value, where, err);
    if (strcmp(key, "libvirt_run") == 0)
        return set_path(&config->libvirt_run, key, value, where, err);
    if (strcmp(key, "libvirt_uri") == 0)
        return set_text(&config->libvirt_uri, value, err);
    if (strcmp(key, "log_level") == 0)
        return set_level(&config->log_level, key, value, where, err);
    if (strcmp(key, "incoming_timeout") == 0)
        return set_timeout(&config->incoming_timeout, key, value, where, err);
    if (strcmp(key, "require_daemon") == 0)
        return set_bool(&config->require_daemon, key, value, where, err);
    if (strcmp(key, "hold") == 0)
        return set_bool(&config->hold, key, value, where, err);
    if (strcmp(key, "hold_timeout") == 0)
        return set_timeout(&config->hold_timeout, key, value, where, err);
    if (strcmp(key, "hold_within") == 0)
        return set_timeout(&config->hold_within, key, value, where, err);
    if (strcmp(key, "clean_timeout") == 0)
        return set_timeout(&config->clean_timeout, key, value, where, err);
    return vfa_config_fail(where, err, "cannot use key '%.40s': section [vfalias] does not have it",
                           key);
}

int vfa_config_set_defaults(struct vfa_config *config, struct vfa_error *err)
{
    int r = set_text(&config->state_path, RUNSTATEDIR "/vfalias/state", err);

    if (r == 0)
        r = set_text(&config->sysfs_root, "/sys", err);
    if (r == 0)
        r = set_text(&config->libvirt_run, "/run/libvirt/qemu", err);
    if (r == 0)
        r = set_text(&config->libvirt_uri, "qemu:///system", err);
    config->log_level = LOG_INFO;
    config->incoming_timeout = 300;
    config->require_daemon = true;
    config->hold = true;
    config->hold_timeout = 30;
    config->hold_within = 2;
    config->clean_timeout = 600;
    return r;
}
