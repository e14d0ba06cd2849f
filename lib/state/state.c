/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening the state file, making a new file, and copies in memory. The content of the file: see
 * schema.sql.
 *
 * The file survives a killed process, but not a crash of the machine: synchronous=OFF, because a
 * reboot voids all claims. The rollback journal of SQLite undoes the transaction of a killed
 * process.
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
#define FILE_OLDER   100 /* internal: no public function returns it */

static int read_boot_id(char *buf, size_t size, struct vfa_error *err)
{
    if (vfa_sysfs_read(AT_FDCWD, BOOT_ID_FILE, buf, size) != 0)
        return vfa_fail(err, EIO, "cannot read '%s'", BOOT_ID_FILE);
    return 0;
}

/* Whether domains may be running: libvirt keeps NAME.xml in its run folder for each running domain.
 * True if the folder cannot be read. */
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

/* Inside a transaction: creates or upgrades the schema, and deletes what belongs to another
 * boot. */
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

/* The kind of the file, before anything is changed. */
enum kind {
    KIND_CURRENT = 0, /* this version and boot */
    KIND_OTHER,       /* new, or of another boot: make_current() for writers */
    KIND_OLDER,       /* an older version: likewise */
};

/* A file without a version is new, or a database of another program. */
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

/* The first statement that reads the file, so the first that finds damage. */
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

/* Connects and makes the file current. Returns 0, VFA_STATE_ABSENT, FILE_OLDER (opened for reading,
 * older version) or an error. */
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

/* Creates folder and file before SQLite opens the file, so that the file gets its mode. Its group
 * comes from the folder (set-group-ID bit).
 *
 * mknod() creates the file without opening it: SQLite uses POSIX locks, and closing any descriptor
 * of the file would drop the locks of other threads of this process (fcntl(2)). */
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

/* Takes a kept handle whose file is still the state; *ret is NULL if there is none. -EBUSY: the
 * file is locked; the other kept handles are not tried, as each would wait as long again. */
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
    r = make_file(path, err); /* the damaged file has been set aside */
    return r < 0 ? r : open_once(path, libvirt_run, mode, ret, err);
}

/* Copies all pages of a file into the empty database of `state`. */
static int load_copy(struct vfa_state *state, const char *path, const char *boot_id,
                     struct vfa_error *err)
{
    struct vfa_state source = {.path = (char *)path};
    sqlite3_backup *backup = NULL;
    int r = connect_and_check(&source, VFA_STATE_READ, boot_id, err);

    r = r > 0 ? 0 : r; /* KIND_OTHER and KIND_OLDER are fine */
    if (r == 0)
        backup = sqlite3_backup_init(state->db, "main", source.db, "main");
    if (backup)
        sqlite3_backup_step(backup, -1); /* sqlite3_backup_finish() returns its error */
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
                         err); /* no caller restores settings because of a copy */
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
