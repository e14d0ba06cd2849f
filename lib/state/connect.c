/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections to the state file: opening with SQLite, closing, and setting a damaged file aside.
 *
 * Lock order: STATE.repair (only while a damaged file is set aside), then the locks of SQLite.
 */

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>

static __thread unsigned patience_ms = 10000;

static bool leave_damaged;

void vfa_state_set_patience(unsigned ms)
{
    patience_ms = ms;
}

void vfa_state_leave_damaged(void)
{
    leave_damaged = true;
}

bool vfa_state_leaves_damaged(void)
{
    return leave_damaged;
}

void vfa_state_be_patient(struct vfa_state *state)
{
    sqlite3_busy_timeout(state->db, (int)patience_ms);
}

/* Resolves the symbolic links of the folder, but not of the file: the folder may be reached by
 * links such as /var/run; a link as the file is refused (SQLITE_OPEN_NOFOLLOW refuses links in any
 * part of the path). */
static char *real_path(const char *path)
{
    VFA_AUTO(vfa_freep) char *for_folder = strdup(path);
    VFA_AUTO(vfa_freep) char *folder = NULL;
    const char *slash = strrchr(path, '/');
    char *real;

    if (!for_folder || strcmp(path, VFA_STATE_IN_MEMORY) == 0)
        return for_folder ? strdup(path) : NULL;
    folder = realpath(dirname(for_folder), NULL);
    if (!folder)
        return errno == ENOMEM ? NULL : strdup(path); /* sqlite3_open_v2() reports the error */
    return asprintf(&real, "%s/%s", folder, slash ? slash + 1 : path) < 0 ? NULL : real;
}

/* Without this, SQLite takes a lock of the whole process at each allocation, for statistics that
 * vfalias does not use (https://sqlite.org/malloc.html). Must run before the first connection. */
static void leave_out_statistics(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* A reader, too, opens the file for writing if permitted, so that SQLite can roll back the
 * transaction of a killed program (https://sqlite.org/atomiccommit.html, "hot journal"). query_only
 * forbids all other changes. */
int vfa_state_connect(struct vfa_state *state, enum vfa_state_mode mode, struct vfa_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    VFA_AUTO(vfa_freep) char *path = real_path(state->path);

    if (!path)
        return vfa_fail_oom(err);
    pthread_once(&once, leave_out_statistics);
    if (sqlite3_open_v2(path, &state->db, flags, NULL) != SQLITE_OK) {
        if (!state->db)
            return vfa_fail_oom(err);
        return vfa_sql_fail(state, err);
    }
    vfa_state_be_patient(state);
    return mode == VFA_STATE_READ ? vfa_sql_exec(state, "PRAGMA query_only = ON", err) : 0;
}

/* Checks the file again with a connection of its own. False if the file is intact, or if another
 * program uses it for longer than the patience. After true, no other program can use the file until
 * `probe` is closed: it is locked, or it is no database, which SQLite neither locks nor writes. */
static bool lock_damaged(struct vfa_state *probe)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    bool broken = false;
    int r = vfa_state_connect(probe, VFA_STATE_WRITE, &err);

    if (r == 0)
        r = vfa_sql_exec(probe, "BEGIN EXCLUSIVE", &err);
    if (r == 0)
        r = vfa_sql_exists(
            probe,
            vfa_sql_prepare(probe, &err,
                            "SELECT 1 FROM pragma_quick_check(1) WHERE quick_check <> 'ok'", ""),
            &broken, &err);
    return r == -EUCLEAN || (r == 0 && broken);
}

static void move_file_aside(const char *path, const char *journal, const char *aside)
{
    unlink(journal);
    if (rename(path, aside) < 0)
        unlink(path);
}

/* Several processes may find the damage at once; STATE.repair and the second check keep the second
 * process from setting the new file aside. Open transactions of other programs end first: they
 * would be lost without an error. The journal belongs to the damaged file; SQLite would apply it to
 * the new file. */
static void set_file_aside(const char *path)
{
    VFA_AUTO(vfa_freep) char *lock = NULL;
    VFA_AUTO(vfa_freep) char *aside = NULL;
    VFA_AUTO(vfa_freep) char *journal = NULL;
    VFA_AUTO(vfa_closep) int fd = -1;
    struct vfa_state probe = {.path = (char *)path};

    if (asprintf(&lock, "%s.repair", path) < 0 || asprintf(&aside, "%s.damaged", path) < 0 ||
        asprintf(&journal, "%s-journal", path) < 0)
        return;
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return;
    if (lock_damaged(&probe))
        move_file_aside(path, journal, aside);
    sqlite3_close(probe.db);
}

void vfa_state_discard(struct vfa_state *state)
{
    if (!state)
        return;
    sqlite3_close(state->db); /* rolls back an open transaction */
    if (state->damaged && state->may_mend && !leave_damaged)
        set_file_aside(state->path);
    free(state->path);
    free(state);
}
