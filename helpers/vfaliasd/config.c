/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration in use. It is read again when its files were written, and on SIGHUP. Hooks and
 * the command line read the files each time: a daemon with an old configuration would not know the
 * alias of a claim that a hook has made.
 *
 * The folders are watched, not the files: editors and configuration management replace the files.
 * One change causes several events, so the files are read once for all events within DEBOUNCE_MS. A
 * folder that is missing, or was replaced as a whole, is looked up again. The target of a symbolic
 * link is not watched.
 */

#include "config.h"

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "helpers/shared/log.h"
#include "daemon.h"
#include "queue.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/inotify.h>

#define DEBOUNCE_MS 100
#define AWAY_MS     5000 /* between two attempts to find a missing folder */

/* ---- users of a configuration ---- */

int vfa_daemon_set_config(struct vfa_daemon *daemon, struct vfa_config *config,
                          struct vfa_error *err)
{
    struct vfa_shared_config *next = calloc(1, sizeof(*next));
    struct vfa_shared_config *old;

    if (!next) {
        vfa_config_free(config);
        return vfa_fail_oom(err);
    }
    next->users = 1;
    next->config = config;
    pthread_mutex_lock(&daemon->lock);
    old = daemon->config;
    daemon->config = next;
    pthread_mutex_unlock(&daemon->lock);
    vfa_shared_config_unref(&old);
    vfa_log_set_level(daemon->log_level >= 0 ? daemon->log_level : config->log_level);
    for (size_t i = 0; i < config->n_warnings; i++)
        vfa_log(LOG_WARNING, "%s", config->warnings[i]);
    return 0;
}

struct vfa_shared_config *vfa_daemon_config(struct vfa_daemon *daemon)
{
    struct vfa_shared_config *shared;

    pthread_mutex_lock(&daemon->lock);
    shared = daemon->config;
    shared->users++;
    pthread_mutex_unlock(&daemon->lock);
    return shared;
}

void vfa_shared_config_unref(struct vfa_shared_config **shared)
{
    if (!*shared || --(*shared)->users > 0)
        return;
    vfa_config_free((*shared)->config);
    free(*shared);
}

/* ---- replacing it ---- */

/* The state file and the libvirt URI are fixed when the daemon starts. */
static int check_unchanged(const struct vfa_config *now, const struct vfa_config *next,
                           struct vfa_error *err)
{
    if (strcmp(now->state_path, next->state_path) != 0)
        return vfa_fail(err, EINVAL, "a change of 'state' needs 'systemctl restart vfaliasd'");
    if (strcmp(now->libvirt_uri, next->libvirt_uri) != 0)
        return vfa_fail(err, EINVAL,
                        "a change of 'libvirt_uri' needs 'systemctl restart vfaliasd'");
    return 0;
}

/* *ret_same: the contents are those of the configuration in use, which stays. Only this thread
 * replaces daemon->config, so it is read without the lock. */
static int load_next(struct vfa_daemon *daemon, bool always, bool *ret_same, struct vfa_error *err)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *next = NULL;
    const struct vfa_config *now = daemon->config->config;
    int r = vfa_config_load(daemon->config_path, &next, err);

    if (r == 0)
        r = check_unchanged(now, next, err);
    if (r < 0)
        return r;
    *ret_same = !always && strcmp(now->digest_of_all, next->digest_of_all) == 0;
    return *ret_same ? 0 : vfa_daemon_set_config(daemon, vfa_steal(&next), err);
}

/* always: replaces the configuration even if the contents are the same. So does the first usable
 * configuration after one that could not be used, so that the log tells of it. */
static void reload(struct vfa_daemon *daemon, bool always)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    bool same = false;
    int r = load_next(daemon, always || daemon->config_kept, &same, &err);

    daemon->config_kept = r < 0;
    if (r < 0) {
        vfa_log(LOG_ERR, "keeping the old configuration: %s", vfa_error_text(&err));
        return;
    }
    if (same) {
        vfa_log(LOG_DEBUG, "the configuration has not changed");
        return;
    }
    vfa_log(LOG_INFO, "the configuration was read again");
    vfa_queue_add(daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_INDEX, 0);
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC, 0);
}

void vfa_daemon_reload(struct vfa_daemon *daemon)
{
    reload(daemon, true);
}

/* ---- when its files change ---- */

struct watch {
    struct vfa_daemon *daemon;
    int fd;
    int timer;
    int folder, conf_d; /* watch descriptors; -1: no such folder */
    char *path;         /* of the main configuration file */
};

/* If the folder was replaced, its old watch is removed: the old folder may be anywhere. */
static void add_watch(struct watch *watch, const char *folder, int *wd)
{
    const uint32_t mask = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                          IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR;
    int had = *wd;

    *wd = inotify_add_watch(watch->fd, folder, mask);
    if (had >= 0 && had != *wd)
        inotify_rm_watch(watch->fd, had);
}

/* Called after each change, since the folders may be new. */
static void add_watches(struct watch *watch)
{
    VFA_AUTO(vfa_freep) char *path = strdup(watch->path);
    VFA_AUTO(vfa_freep) char *conf_d = NULL;
    const char *folder = path ? dirname(path) : NULL;

    if (!folder || asprintf(&conf_d, "%s/%s", folder, VFA_CONFIG_D) < 0) {
        conf_d = NULL;
        return;
    }
    add_watch(watch, folder, &watch->folder);
    add_watch(watch, conf_d, &watch->conf_d);
    virEventUpdateTimeout(watch->timer, watch->folder < 0 ? AWAY_MS : -1);
}

static bool event_concerns(const struct watch *watch, const struct inotify_event *event)
{
    const char *slash = strrchr(watch->path, '/');

    if (event->mask & (IN_Q_OVERFLOW | IN_MOVE_SELF | IN_DELETE_SELF))
        return true;
    if (event->len == 0)
        return false;
    if (event->wd == watch->folder && strcmp(event->name, VFA_CONFIG_D) == 0)
        return true;
    return event->wd == watch->conf_d ? vfa_config_is_conf(event->name)
                                      : strcmp(event->name, slash ? slash + 1 : watch->path) == 0;
}

static void on_config_event(int id, int fd, int events, void *opaque)
{
    _Alignas(struct inotify_event) char buf[4096];
    struct watch *watch = opaque;
    ssize_t n = read(fd, buf, sizeof(buf));
    const struct inotify_event *event;
    bool changed = false;

    for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
        event = (const struct inotify_event *)(buf + at);
        changed = event_concerns(watch, event) || changed;
    }
    if (changed)
        virEventUpdateTimeout(watch->timer, DEBOUNCE_MS);
}

static void on_config_settled(int timer, void *opaque)
{
    struct watch *watch = opaque;
    bool was_there = watch->folder >= 0;

    virEventUpdateTimeout(timer, -1);
    add_watches(watch);
    if (was_there || watch->folder >= 0)
        reload(watch->daemon, false);
}

static void config_watch_free(void *opaque)
{
    struct watch *watch = opaque;

    if (watch->fd >= 0)
        close(watch->fd);
    if (watch->timer >= 0)
        virEventRemoveTimeout(watch->timer);
    free(watch->path);
    free(watch);
}

int vfa_daemon_watch_config(struct vfa_daemon *daemon, struct vfa_error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    int r = 0;

    if (!watch)
        return vfa_fail_oom(err);
    watch->daemon = daemon;
    watch->folder = watch->conf_d = -1;
    watch->path = strdup(vfa_config_path(daemon->config_path));
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    watch->timer = virEventAddTimeout(-1, on_config_settled, watch, NULL);
    if (!watch->path)
        r = vfa_fail_oom(err);
    else if (watch->fd < 0 || watch->timer < 0)
        r = vfa_fail(err, EIO, "cannot watch for changes of the configuration");
    if (r == 0)
        add_watches(watch);
    if (r == 0 && virEventAddHandle(watch->fd, VIR_EVENT_HANDLE_READABLE, on_config_event, watch,
                                    config_watch_free) < 0)
        r = vfa_fail(err, EIO, "cannot watch for changes of the configuration");
    if (r < 0)
        config_watch_free(watch);
    return r;
}
