/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches the folder of the state file.
 *
 * State file removed, set aside as damaged, or replaced (by an old copy, say): the claims are
 * rebuilt from the running domains at once, not only at the next start of a domain.
 *
 * State file written: a device may have become free that a domain waits for. One commit is several
 * writes, so the state is read once for all writes within DEBOUNCE_MS. The daemon's own writes
 * cause this too; then the state is only read (worker.h), so no further write follows.
 *
 * STATE.borrow (state/lock.h) closed after writing: a lease holder has ended. The domains with
 * leased devices are requeued.
 *
 * STATE.clean closed after writing: a cleaner has ended, and may have to be started again.
 *
 * Lock file removed: other programs cannot see any more that this daemon runs. It ends, and systemd
 * starts a new one.
 */

#include "watch.h"

#include "base/common.h"
#include "base/error.h"
#include "helpers/shared/log.h"
#include "daemon.h"
#include "queue.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/inotify.h>

#define DEBOUNCE_MS 50

struct watch {
    struct vfa_daemon *daemon;
    int fd;
    char *state; /* names inside the folder */
    char *lock;
    char *lease;
    char *unreleased; /* prefix of the notes that opening a host follows (claim/unreleased.h) */
    char *clean;
};

/* replaced: another file has that name now. */
static void on_gone(struct watch *watch, const char *name, bool replaced)
{
    if (strcmp(name, watch->state) == 0) {
        vfa_log(LOG_WARNING, "the state file %s, rebuilding it",
                replaced ? "was replaced" : "is gone");
        vfa_queue_add(watch->daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_INDEX, 0);
        vfa_queue_add(watch->daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC, 0);
    } else if (strcmp(name, watch->lock) == 0) {
        vfa_log(LOG_ERR, "the lock file is gone, ending so that the next vfaliasd creates it");
        vfa_daemon_quit(watch->daemon, EXIT_FAILURE);
    }
}

static void on_written(struct watch *watch, const char *name)
{
    if (strcmp(name, watch->state) != 0)
        return;
    vfa_queue_add(watch->daemon->queue, VFA_WORK_WAITERS_KEY, VFA_WORK_FREED, DEBOUNCE_MS);
    vfa_queue_add(watch->daemon->queue, VFA_WORK_RELEASE_KEY, VFA_WORK_RELEASE, DEBOUNCE_MS);
    vfa_queue_add(watch->daemon->queue, VFA_WORK_CLEAN_KEY, VFA_WORK_CLEAN, DEBOUNCE_MS);
}

/* After DEBOUNCE_MS: a lease holder that was killed still has its lock when the event comes. */
static void on_closed(struct watch *watch, const char *name)
{
    if (strcmp(name, watch->lease) == 0)
        vfa_queue_add(watch->daemon->queue, VFA_WORK_HOST, VFA_WORK_LEASED, DEBOUNCE_MS);
    if (strncmp(name, watch->unreleased, strlen(watch->unreleased)) == 0)
        vfa_queue_add(watch->daemon->queue, VFA_WORK_INDEX_KEY, VFA_WORK_INDEX, DEBOUNCE_MS);
    if (strcmp(name, watch->clean) == 0)
        vfa_queue_add(watch->daemon->queue, VFA_WORK_CLEAN_KEY, VFA_WORK_CLEAN, DEBOUNCE_MS);
}

/* Events were lost, so everything is checked. */
static void on_overflow(struct watch *watch)
{
    vfa_queue_add(watch->daemon->queue, VFA_WORK_HOST, VFA_WORK_SYNC, DEBOUNCE_MS);
}

static void on_state_event(int id, int fd, int events, void *opaque)
{
    _Alignas(struct inotify_event) char buf[4096];
    struct watch *watch = opaque;
    ssize_t n = read(fd, buf, sizeof(buf));
    const struct inotify_event *event;

    for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
        event = (const struct inotify_event *)(buf + at);
        if (event->mask & IN_Q_OVERFLOW)
            on_overflow(watch);
        else if (event->len > 0 && event->mask & IN_MODIFY)
            on_written(watch, event->name);
        else if (event->len > 0 && event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
            on_closed(watch, event->name);
        if (event->len > 0 && event->mask & (IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO))
            on_gone(watch, event->name, event->mask & IN_MOVED_TO);
    }
}

static void state_watch_free(void *opaque)
{
    struct watch *watch = opaque;

    if (watch->fd >= 0)
        close(watch->fd);
    free(watch->state);
    free(watch->lock);
    free(watch->lease);
    free(watch->unreleased);
    free(watch->clean);
    free(watch);
}

static int watch_folder(struct watch *watch, const char *state_path, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *folder = strdup(state_path);
    const char *slash = strrchr(state_path, '/');

    watch->state = strdup(slash ? slash + 1 : state_path);
    if (watch->state && asprintf(&watch->lock, "%s.lock", watch->state) < 0)
        watch->lock = NULL;
    if (watch->state && asprintf(&watch->lease, "%s.borrow", watch->state) < 0)
        watch->lease = NULL;
    if (watch->state && asprintf(&watch->unreleased, "%s.unreleased.", watch->state) < 0)
        watch->unreleased = NULL;
    if (watch->state && asprintf(&watch->clean, "%s.clean", watch->state) < 0)
        watch->clean = NULL;
    if (!folder || !watch->lock || !watch->lease || !watch->unreleased || !watch->clean)
        return vfa_fail_oom(err);
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0 || inotify_add_watch(watch->fd, dirname(folder),
                                           IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                                               IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
        return vfa_fail(err, errno, "cannot watch the folder of '%s': %s", state_path,
                        strerror(errno));
    return 0;
}

int vfa_daemon_watch_state(struct vfa_daemon *daemon, const char *state_path, struct vfa_error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    int r;

    if (!watch)
        return vfa_fail_oom(err);
    watch->daemon = daemon;
    watch->fd = -1;
    r = watch_folder(watch, state_path, err);
    if (r == 0 && virEventAddHandle(watch->fd, VIR_EVENT_HANDLE_READABLE, on_state_event, watch,
                                    state_watch_free) < 0)
        r = vfa_fail(err, EIO, "cannot watch the folder of '%s'", state_path);
    if (r < 0)
        state_watch_free(watch);
    return r;
}
