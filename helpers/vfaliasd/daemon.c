/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every file of the daemon may call: opening a host with this daemon's log, forgetting a
 * domain, ending the daemon, queueing a rebuild of the state. Calls only the queue, the back-off,
 * the log, and (by a pointer) the maker.
 */

#include "daemon.h"

#include "base/error.h"
#include "config/config.h"
#include "state/meta.h"
#include "host/host.h"
#include "claim/unreleased.h"
#include "helpers/shared/log.h"
#include "backoff.h"
#include "maker.h"
#include "queue.h"

#include <string.h>

int vfa_daemon_open_host(struct vfa_daemon *daemon, const struct vfa_config *config,
                         struct vfa_host *ret, struct vfa_error *err)
{
    bool synced = true;
    int r = vfa_unreleased_open_host(config, ret, err);

    if (r != 0)
        return r;
    ret->warn = vfa_log_warning;
    ret->run_maker = vfa_daemon_run_maker;
    ret->maker_data = daemon;
    r = vfa_state_synced(ret->state, &synced, err);
    if (r == 0 && !synced)
        vfa_sync_ask(daemon);
    return r;
}

const char *vfa_daemon_written_key(const char *uuid, char *buf)
{
    snprintf(buf, VFA_WRITTEN_KEY_SIZE, "written/%s", uuid);
    return buf;
}

bool vfa_daemon_stopping(struct vfa_daemon *daemon)
{
    bool stopping;

    pthread_mutex_lock(&daemon->lock);
    stopping = daemon->stopping;
    pthread_mutex_unlock(&daemon->lock);
    return stopping;
}

void vfa_daemon_quit(struct vfa_daemon *daemon, int exit_status)
{
    daemon->exit_status = exit_status;
    daemon->quit = true;
}

void vfa_daemon_forget(struct vfa_daemon *daemon, const char *uuid)
{
    vfa_log_forget(uuid);
    vfa_backoff_forget(daemon->backoff, uuid);
}

void vfa_daemon_gone(struct vfa_daemon *daemon, const char *uuid)
{
    char key[VFA_WRITTEN_KEY_SIZE];

    vfa_daemon_forget(daemon, uuid);
    vfa_log_forget(vfa_daemon_written_key(uuid, key));
}

void vfa_sync_ask(struct vfa_daemon *daemon)
{
    vfa_queue_add(daemon->queue, VFA_WORK_HOST, VFA_WORK_REBUILD,
                  vfa_backoff_remaining(daemon->backoff, VFA_SYNC_BACKOFF_KEY));
}

void vfa_sync_can_read(struct vfa_daemon *daemon, const char *uuid)
{
    bool awaited;

    pthread_mutex_lock(&daemon->lock);
    awaited = strcmp(daemon->awaited, uuid) == 0;
    if (awaited)
        daemon->awaited[0] = '\0';
    pthread_mutex_unlock(&daemon->lock);
    if (!awaited)
        return;
    vfa_backoff_forget(daemon->backoff, VFA_SYNC_BACKOFF_KEY);
    vfa_sync_ask(daemon);
}
