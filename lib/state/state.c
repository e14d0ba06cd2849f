/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file itself: opening it, making a new one, and a copy in memory. What is in the file:
 * see schema.sql.
 *
 * Durability is that of a process, not of a machine: synchronous=OFF, as a reboot voids all claims.
 * SQLite's rollback journal undoes what a killed process left half done.
 */

#include "state.h"

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define FILE_OLDER   100 /* no result of any public function */

static int read_boot_id(char *buf, size_t size, struct vfa_error *err)
{
    if (vfa_sysfs_read(AT_FDCWD, BOOT_ID_FILE, buf, size) != 0)
        return vfa_fail(err, EIO, "cannot read '%s'", BOOT_ID_FILE);
    return 0;
}

/* libvirt keeps NAME.xml in its run folder for each running domain. A folder that cannot be read
 * may be full of them. */
static bool domains_run(const char *libvirt_run)
{
    const struct dirent *entry;
    bool found = false;
    DIR *dir = opendir(libvirt_run);

    if (!dir)
        return errno != ENOENT;
    while (!found && (errno = 0, entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);

        found = len > 4 && strcmp(entry->d_name + len - 4, ".xml") == 0;
    }
    found = found || errno != 0;
    closedir(dir);
    return found;
}

/* In a transaction: the schema where there is none, and no claims of another boot. */
static int make_current(struct vfa_state *state, const char *boot_id, const char *libvirt_run,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *had = NULL;
    int r = vfa_state_make_schema(state, err);

    if (r == 0)
        r = vfa_meta_get(state, "boot_id", &had, err);
    if (r < 0 || (had && strcmp(had, boot_id) == 0))
        return r;
    r = vfa_sql_exec(
        state, "DELETE FROM saved; DELETE FROM claim; DELETE FROM withdrawn; DELETE FROM hold",
        err);
    if (r == 0)
        r = vfa_sql_exec(state,
                         "DELETE FROM tentative; DELETE FROM unmet; DELETE FROM failed;"
                         " DELETE FROM meta WHERE key IN ('awaited', 'scanned')",
                         err);
    if (r == 0)
        r = vfa_meta_set(state, "boot_id", boot_id, err);
    if (r == 0)
        r = vfa_meta_set(state, "synced", domains_run(libvirt_run) ? "0" : "1", err);
    return r;
}

/* What the file is. Reads only. */
enum kind {
    KIND_CURRENT = 0, /* of this version and boot */
    KIND_OTHER,       /* new, or of another boot: a writer makes it current */
    KIND_OLDER,       /* of an older version: likewise */
};

/* Without a version it is a new file, or a database of another program. */
static int check_empty(struct vfa_state *state, struct vfa_error *err)
{
    bool has_tables = false;
    int r = vfa_sql_exists(state, vfa_sql_prepare(state, err, "SELECT 1 FROM sqlite_schema", ""),
                           &has_tables, err);

    if (r == 0 && has_tables)
        r = vfa_fail(err, EPROTO, "cannot use state file '%s': it is another program's database",
                     state->path);
    return r;
}

static int check_kind(struct vfa_state *state, const char *boot_id, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *had = NULL;
    uint32_t version;
    int r = vfa_state_schema_version(state, &version, err);

    if (r < 0)
        return r;
    if (version == 0) {
        r = check_empty(state, err);
        return r < 0 ? r : KIND_OTHER;
    }
    if (version < VFA_SCHEMA_VERSION)
        return KIND_OLDER;
    r = vfa_meta_get(state, "boot_id", &had, err);
    if (r < 0)
        return r;
    return had && strcmp(had, boot_id) == 0 ? KIND_CURRENT : KIND_OTHER;
}

/* The first that reads. */
static int set_pragmas(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_exec(state,
                        "PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF; "
                        "PRAGMA temp_store = MEMORY",
                        err);
}

static int connect_and_check(struct vfa_state *state, enum vfa_state_mode mode, const char *boot_id,
                             struct vfa_error *err)
{
    int r = vfa_state_connect(state, mode, err);

    if (r == 0)
        r = set_pragmas(state, err);
    return r == 0 ? check_kind(state, boot_id, err) : r;
}

/* 0, VFA_STATE_ABSENT, FILE_OLDER (to be read, and of an older version) or an error. */
static int prepare_file(struct vfa_state *state, enum vfa_state_mode mode, const char *libvirt_run,
                        struct vfa_error *err)
{
    char boot_id[64];
    bool own;
    int r = read_boot_id(boot_id, sizeof(boot_id), err);

    if (r == 0)
        r = connect_and_check(state, mode, boot_id, err);
    if (r <= 0)
        return r;
    if (mode == VFA_STATE_READ)
        return r == KIND_OLDER ? FILE_OLDER : VFA_STATE_ABSENT;
    r = vfa_state_join(state, &own, err);
    if (r < 0)
        return r;
    return vfa_state_finish(state, own, make_current(state, boot_id, libvirt_run, err), err);
}

/* The file must be there before SQLite opens it, for its mode; its group comes from the folder.
 *
 * It is made by mknod(), never opened here: SQLite's locks are POSIX locks, and closing any fd of
 * the file would drop those that other threads of this process hold. */
static int make_file(const char *path, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *copy = strdup(path);
    struct stat st;

    if (!copy)
        return vfa_fail_oom(err);
    if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
        return vfa_fail(err, errno, "cannot create the folder of '%s': %s", path, strerror(errno));
    if (mknod(path, S_IFREG | 0640, 0) < 0 && errno != EEXIST)
        return vfa_fail(err, errno, "cannot make state file '%s': %s", path, strerror(errno));
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        return vfa_fail(err, ELOOP, "cannot open state file '%s': it is a symbolic link", path);
    return 0;
}

/* One that is kept and still is the state; *ret NULL: there is none. -EBUSY: it is locked, and who
 * asks another handle waits as long once more. */
static int take_kept(const char *path, enum vfa_state_mode mode, struct vfa_state **ret,
                     struct vfa_error *err)
{
    struct vfa_state *state;
    char boot_id[64];
    int moved = 0, r;

    *ret = NULL;

    while ((state = vfa_kept_take(path, mode == VFA_STATE_WRITE))) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        vfa_state_be_patient(state);
        r = -ESTALE;
        if (sqlite3_file_control(state->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
            !moved && read_boot_id(boot_id, sizeof(boot_id), NULL) == 0)
            r = check_kind(state, boot_id, &why);
        if (r == KIND_CURRENT) {
            *ret = state;
            return 0;
        }
        vfa_state_discard(state);
        if (r == -EBUSY)
            return vfa_error_move(err, &why);
    }
    return 0;
}

static int open_once(const char *path, const char *libvirt_run, enum vfa_state_mode mode,
                     struct vfa_state **ret, struct vfa_error *err)
{
    struct vfa_state *state = calloc(1, sizeof(*state));
    int r;

    if (!state)
        return vfa_fail_oom(err);
    state->may_mend = mode == VFA_STATE_WRITE;
    state->path = strdup(path);
    r = state->path ? prepare_file(state, mode, libvirt_run, err) : vfa_fail_oom(err);
    if (r == 0)
        *ret = vfa_steal(&state);
    vfa_state_discard(state);
    return r;
}

int vfa_state_open(const char *path, const char *libvirt_run, enum vfa_state_mode mode,
                   struct vfa_state **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error first = VFA_ERROR_INIT;
    int r;

    r = take_kept(path, mode, ret, err);
    if (r < 0 || *ret)
        return r;
    if (mode == VFA_STATE_READ && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT)
        return VFA_STATE_ABSENT;
    if (mode == VFA_STATE_READ) {
        r = open_once(path, libvirt_run, mode, ret, err);
        return r == FILE_OLDER ? vfa_state_open_copy(path, libvirt_run, ret, err) : r;
    }
    r = make_file(path, err);
    if (r < 0)
        return r;
    r = open_once(path, libvirt_run, mode, ret, &first);
    if (r != -EUCLEAN || vfa_state_leaves_damaged())
        return r < 0 ? vfa_fail(err, -r, "%s", vfa_error_text(&first)) : r;
    r = make_file(path, err); /* the damaged one has been set aside */
    return r < 0 ? r : open_once(path, libvirt_run, mode, ret, err);
}

/* Copies all pages of a file into the empty database of `state`. */
static int load_copy(struct vfa_state *state, const char *path, const char *boot_id,
                     struct vfa_error *err)
{
    struct vfa_state source = {.path = (char *)path};
    sqlite3_backup *backup = NULL;
    int r = connect_and_check(&source, VFA_STATE_READ, boot_id, err);

    r = r > 0 ? 0 : r; /* what is newer or damaged is refused */
    if (r == 0)
        backup = sqlite3_backup_init(state->db, "main", source.db, "main");
    if (backup)
        sqlite3_backup_step(backup, -1); /* finish tells what it said */
    if (r == 0 && (!backup || sqlite3_backup_finish(backup) != SQLITE_OK))
        r = vfa_sql_fail(state, err);
    sqlite3_close(source.db);
    return r;
}

int vfa_state_open_copy(const char *path, const char *libvirt_run, struct vfa_state **ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    char boot_id[64];
    int r = read_boot_id(boot_id, sizeof(boot_id), err);

    if (r < 0)
        return r;
    state = calloc(1, sizeof(*state));
    if (state)
        state->path = strdup(VFA_STATE_IN_MEMORY);
    if (!state || !state->path)
        return vfa_fail_oom(err);
    r = vfa_state_connect(state, VFA_STATE_WRITE, err);
    if (r == 0)
        r = set_pragmas(state, err);
    if (r == 0 && path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        r = load_copy(state, path, boot_id, err);
    if (r == 0)
        r = make_current(state, boot_id, libvirt_run, err);
    if (r == 0)
        r = vfa_sql_exec(state, "DELETE FROM saved",
                         err); /* what is tried on a copy touches no device */
    if (r == 0)
        *ret = vfa_steal(&state);
    return r;
}

struct vfa_state *vfa_state_close(struct vfa_state *state)
{
    if (state && !vfa_kept_put(state))
        vfa_state_discard(state);
    return NULL;
}
