/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See unreleased.h. Only root can write the folder of the notes. A name without a UUID is no note.
 * The time of the end is the mtime of the note, which is made under another name and renamed, so
 * that no note ever has another time. */

#include "unreleased.h"

#include "base/common.h"
#include "base/error.h"
#include "base/uuid.h"
#include "config/config.h"
#include "state/state.h"
#include "host/host.h"
#include "release.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX  ".unreleased."
#define UNNAMED ".new" /* a note without its time yet */

static char *note_path(const char *state_path, const char *uuid)
{
    char *path;

    return asprintf(&path, "%s" SUFFIX "%s", state_path, uuid) < 0 ? NULL : path;
}

/* Reads when the domain of a note ended. False: no note. */
static bool read_note(const char *path, int64_t *ret_at)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return false;
    *ret_at = st.st_mtime;
    return true;
}

static int make_note(const char *path, const char *unnamed, int64_t at, struct vfa_error *err)
{
    const struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
    VFA_AUTO(vfa_closep)
    int fd = open(unnamed, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || futimens(fd, times) < 0 || rename(unnamed, path) < 0)
        return vfa_fail(err, errno, "cannot make '%s': %s", path, strerror(errno));
    return 0;
}

int vfa_unreleased_note(const char *state_path, const char *uuid, int64_t at, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *path = note_path(state_path, uuid);
    VFA_AUTO(vfa_freep) char *unnamed = NULL;
    int64_t there;

    if (!path || asprintf(&unnamed, "%s" UNNAMED, path) < 0) {
        unnamed = NULL;
        return vfa_fail_oom(err);
    }
    if (read_note(path, &there) && there >= at)
        return 0;
    return make_note(path, unnamed, at, err);
}

int vfa_unreleased_void(const char *state_path, const char *uuid, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *path = note_path(state_path, uuid);

    if (!path)
        return vfa_fail_oom(err);
    if (unlink(path) < 0 && errno != ENOENT)
        return vfa_fail(err, errno, "cannot remove '%s': %s", path, strerror(errno));
    return 0;
}

/* ---- following notes ---- */

/* In a transaction. *ret_at: the time of the note that was handled; unchanged if none. */
static int release_noted(struct vfa_host *host, const char *path, const char *uuid, int64_t *ret_at,
                         struct vfa_error *err)
{
    if (!read_note(path, ret_at)) /* another program was first, or the domain was started again */
        return 0;
    return vfa_release_ended(host, uuid, *ret_at, NULL, err);
}

/* A note of a later end stays. */
static int settle_noted(struct vfa_host *host, const char *path, const char *uuid,
                        struct vfa_error *err)
{
    int64_t at = 0, now = 0;
    bool own;
    int r = vfa_state_join(host->state, &own, err);

    if (r < 0)
        return r;
    r = vfa_state_finish(host->state, own, release_noted(host, path, uuid, &at, err), err);
    if (r == 0 && read_note(path, &now) && now == at)
        (void)unlink(path);
    return r;
}

/* 0, or -EBUSY: the state is locked. */
static int settle_or_tell(struct vfa_host *host, const char *uuid, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *path = note_path(host->config->state_path, uuid);
    int r = path ? settle_noted(host, path, uuid, &why) : 0;

    if (r == -EBUSY)
        return vfa_error_move(err, &why);
    if (r < 0 && host->warn)
        host->warn(vfa_error_text(&why));
    return 0;
}

/* The UUID in the name of a note on this state, or NULL. */
static const char *uuid_of(const char *name, const char *state_name)
{
    size_t len = strlen(state_name);
    const char *uuid;

    if (strncmp(name, state_name, len) != 0 || strncmp(name + len, SUFFIX, strlen(SUFFIX)) != 0)
        return NULL;
    uuid = name + len + strlen(SUFFIX);
    if (strlen(uuid) != VFA_UUID_SIZE - 1 || strspn(uuid, "0123456789abcdef-") != VFA_UUID_SIZE - 1)
        return NULL;
    return uuid;
}

int vfa_unreleased_settle(struct vfa_host *host, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *folder = strdup(host->config->state_path);
    VFA_AUTO(vfa_freep) char *copy = strdup(host->config->state_path);
    const struct dirent *entry;
    const char *state_name;
    int r = 0;
    DIR *dir;

    if (!folder || !copy)
        return vfa_fail_oom(err);
    state_name = basename(copy);
    dir = opendir(dirname(folder));
    while (dir && r == 0 && (entry = readdir(dir))) {
        const char *uuid = uuid_of(entry->d_name, state_name);

        if (uuid)
            r = settle_or_tell(host, uuid, err);
    }
    if (dir)
        closedir(dir);
    return r;
}

int vfa_unreleased_open_host(const struct vfa_config *config, struct vfa_host *ret,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_host_open(config, &host, err);

    if (r == 0)
        r = vfa_unreleased_settle(&host, err);
    if (r < 0)
        return r;
    *ret = host;
    host = (struct vfa_host)VFA_HOST_INIT;
    return 0;
}
