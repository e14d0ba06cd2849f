/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file as a file. If a program is killed, the next program rolls back its transaction,
 * also a reader. No program commits into a file that was replaced. The test is linked with
 * --wrap=rename, to see that a damaged file is set aside.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "state/claims.h"
#include "state/meta.h"
#include "state/state.h"
#include "check.h"
#include "made-keys.h"
#include "made-sysfs.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>

#define UUID   "aaaaaaaa-0000-4000-8000-000000000000"
#define NOBODY 65534

static char path[96], aside[112], journal[112];

static struct vfa_state *open_as(enum vfa_state_mode mode, struct vfa_error *err)
{
    struct vfa_state *state = NULL;
    int r = vfa_state_open(path, made_root, mode, &state, err);

    CHECK(r == 0 || r == -err->code, "%d", r);
    return state;
}

static struct vfa_state *open_state(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_state *state = open_as(VFA_STATE_WRITE, &err);

    if (!state)
        made_give_up(vfa_error_text(&err));
    return state;
}

static int claim(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    const struct vfa_claim new = {.device = (char *)device,
                                  .keys = made_keys(device, NULL, -1),
                                  .kind = (char *)"pci",
                                  .uuid = (char *)UUID,
                                  .domain = (char *)"d",
                                  .request = (char *)device,
                                  .state = VFA_CLAIM_CLAIMED};

    return vfa_state_claim(state, &new, err);
}

static size_t count(struct vfa_state *state)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_claims(state, NULL, &claims, NULL) == 0, "claims");
    return claims.n;
}

/* ---- a killed program ---- */

/* Kills a program that has added another claim and not committed. */
static void kill_in_a_change(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct vfa_state *state = open_state();

        if (vfa_state_begin(state, NULL) == 0 && claim(state, "0000:01:10.2", NULL) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "%d", status);
    CHECK(access(journal, F_OK) == 0, "something is half done");
}

/* Leaves one committed claim and one uncommitted claim. */
static void kill_a_writer(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    unlink(path);
    state = open_state();
    CHECK(claim(state, "0000:01:10.0", NULL) == 0, "claim");
    state = vfa_state_close(state);
    kill_in_a_change();
}

static void test_reader_after_kill(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    kill_a_writer();
    state = open_as(VFA_STATE_READ, &err);
    CHECK(state, "%s", err.code ? vfa_error_text(&err) : "");
    if (!state)
        return;
    CHECK(count(state) == 1, "%zu", count(state));
    CHECK(claim(state, "0000:01:10.4", NULL) == -EACCES, "a reader all the same");
}

/* The reader has the file open while another program is killed. */
static void test_open_reader_after_kill(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    kill_a_writer();
    state = open_as(VFA_STATE_READ, NULL);
    CHECK(state && count(state) == 1, "one claim");
    for (int i = 0; state && i < 2; i++) {
        kill_in_a_change();
        CHECK(count(state) == 1, "%zu", count(state));
    }
}

static void test_copy_after_kill(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    kill_a_writer();
    CHECK(vfa_state_open_copy(path, made_root, &state, &err) == 0 && count(state) == 1, "%s",
          err.code ? vfa_error_text(&err) : "");
}

/* A user who has permission to read the file, as the group libvirt has. Returns the exit status: 0,
 * or the number of the failed check. */
static int read_only_user(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        return 2;
    state = open_as(VFA_STATE_READ, &err);
    return !state && err.code == EACCES && check_has(&err, path) &&
                   check_has(&err, "a program was killed while it changed the file")
               ? 0
               : 1;
}

static void test_read_only_user_after_kill(void)
{
    int status = 1;
    pid_t pid;

    kill_a_writer();
    chmod(made_root, 0555);
    chmod(path, 0444);
    chmod(journal, 0444);
    pid = fork();
    if (pid == 0)
        _exit(read_only_user());
    CHECK(waitpid(pid, &status, 0) == pid && status == 0, "%#x", (unsigned)status);
    chmod(made_root, 0755);
    chmod(path, 0640);
    CHECK(access(journal, F_OK) == 0, "nothing is taken back");
}

/* A user who has no permission to read the file. */
static int stranger(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    char want[256];

    if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        return 2;
    snprintf(want, sizeof(want),
             "cannot use state file '%s': permission denied: run this command as root", path);
    state = open_as(VFA_STATE_READ, &err);
    return !state && err.code == EACCES && strcmp(vfa_error_text(&err), want) == 0 ? 0 : 1;
}

/* The mode of the file, or of its folder, forbids access. */
static void test_stranger(void)
{
    unlink(path);
    vfa_state_close(open_state());
    for (int i = 0; i < 2; i++) {
        int status = 1;
        pid_t pid;

        chmod(path, i == 0 ? 0 : 0644);
        chmod(made_root, i == 0 ? 0755 : 0);
        pid = fork();
        if (pid == 0)
            _exit(stranger());
        CHECK(waitpid(pid, &status, 0) == pid && status == 0, "%d: %#x", i, (unsigned)status);
        chmod(made_root, 0755);
    }
    chmod(path, 0640);
}

/* ---- a replaced file ---- */

static void put_away(bool remove_it)
{
    CHECK((remove_it ? unlink(path) : rename(path, aside)) == 0, "put away");
}

/* The file is moved or removed before a transaction, or before its commit. */
static void test_moved(void)
{
    for (int i = 0; i < 4; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_state_closep) struct vfa_state *old = NULL;
        VFA_AUTO(vfa_state_closep) struct vfa_state *new = NULL;
        bool before = i & 1, removed = i & 2;
        int r;

        unlink(path);
        old = open_state();
        if (before)
            put_away(removed);
        r = vfa_state_begin(old, &err);
        CHECK(before ? r == -ESTALE : r == 0, "%d: begin: %d", i, r);
        if (r == 0) {
            CHECK(claim(old, "0000:01:10.0", &err) == 0, "%d: claim", i);
            put_away(removed);
            CHECK(vfa_state_commit(old, &err) == -ESTALE, "%d: commit", i);
            vfa_state_rollback(old);
        }
        CHECK(err.code == ESTALE && check_has(&err, path) && check_has(&err, "try again"), "%d", i);
        new = open_state();
        CHECK(count(new) == 0 && claim(new, "0000:01:10.0", NULL) == 0, "%d: anew", i);
    }
}

/* The same for a statement without vfa_state_begin(). */
static void test_moved_statement(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *old = NULL;

    unlink(path);
    old = open_state();
    put_away(false);
    CHECK(claim(old, "0000:01:10.0", &err) == -ESTALE && check_has(&err, "try again"), "%s",
          err.code ? vfa_error_text(&err) : "no error");
}

/* ---- setting a damaged file aside ---- */

/* Tests the lock in another process: POSIX locks belong to a process. */
static bool is_locked(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static unsigned renamed;
static bool was_locked;
int __wrap_rename(const char *from, const char *to)
{
    renamed++;
    was_locked = is_locked();
    return __real_rename(from, to);
}

/* Overwrites all pages but the first, which has the page size. */
static void damage(void)
{
    char page[4096];
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;

    memset(page, 'x', sizeof(page));
    if (fd < 0 || fstat(fd, &st) < 0)
        made_give_up(path);
    for (off_t at = sizeof(page); at < st.st_size; at += (off_t)sizeof(page)) {
        if (pwrite(fd, page, sizeof(page), at) != (ssize_t)sizeof(page))
            made_give_up(path);
    }
    close(fd);
}

/* The file is locked while it is set aside: the transaction of another program would be lost
 * without an error. */
static void test_set_aside(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    unlink(path);
    unlink(aside);
    vfa_state_close(open_state());
    damage();
    renamed = 0;
    state = open_state();
    CHECK(renamed == 1 && access(aside, F_OK) == 0, "set aside, %u times", renamed);
    CHECK(was_locked, "while nobody else can use it");
    CHECK(claim(state, "0000:01:10.0", NULL) == 0, "works again");
}

/* ---- symbolic links ---- */

static void expect_refused(const char *label, int r, const struct vfa_error *err)
{
    CHECK(r == -ELOOP && check_has(err, path) && check_has(err, "it is a symbolic link"),
          "%s: %d %s", label, r, err->code ? vfa_error_text(err) : "");
}

/* A link is refused wherever it points: another user may have made it. */
static void test_link_to_file(bool dangling)
{
    static const enum vfa_state_mode modes[] = {VFA_STATE_READ, VFA_STATE_WRITE};
    struct vfa_state *state = NULL;

    unlink(path);
    vfa_state_close(open_state());
    put_away(false);
    if (dangling)
        unlink(aside);
    if (symlink(aside, path) < 0)
        made_give_up(path);
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

        expect_refused(i ? "write" : "read",
                       vfa_state_open(path, made_root, modes[i], &state, &err), &err);
    }
    {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

        expect_refused("copy", vfa_state_open_copy(path, made_root, &state, &err), &err);
    }
    unlink(path);
}

static void test_link_to_folder(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    char link[96], whole[96];

    unlink(path);
    vfa_state_close(open_state());
    made_link("run", ".");
    snprintf(link, sizeof(link), "%s/run/state", made_root);
    snprintf(whole, sizeof(whole), "%s", path);
    snprintf(path, sizeof(path), "%s", link);
    state = open_as(VFA_STATE_READ, NULL);
    CHECK(state != NULL, "a folder may be one");
    snprintf(path, sizeof(path), "%s", whole);
}

/* ---- whether a new file counts as synced ---- */

static const struct {
    const char *label, *folder;
    bool synced;
} run_folders[] = {
    {"empty", "empty", true},
    {"not there", "nowhere", true},
    {"with a domain", "full", false},
    {"no folder", "a-file", false},
    {"cannot be looked for", "round/and/round", false},
};

static void test_run_folders(void)
{
    made_folder("empty");
    made_file("full/db1.xml", "<domstatus/>");
    made_file("a-file", "");
    made_link("round", "round");
    for (size_t i = 0; i < ARRAY_SIZE(run_folders); i++) {
        VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
        char folder[96];
        bool synced = !run_folders[i].synced;

        unlink(path);
        snprintf(folder, sizeof(folder), "%s/%s", made_root, run_folders[i].folder);
        CHECK(vfa_state_open(path, folder, VFA_STATE_WRITE, &state, NULL) == 0 &&
                  vfa_state_synced(state, &synced, NULL) == 0 && synced == run_folders[i].synced,
              "%s", run_folders[i].label);
    }
}

/* ---- handles that are kept open ---- */

/* Counts the descriptors of this process for the file, and for files moved away from its path. */
static size_t opened(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 64; fd++) {
        char link[32], target[256];
        ssize_t len;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        len = readlink(link, target, sizeof(target) - 1);
        if (len > 0) {
            target[len] = '\0';
            n += strncmp(target, path, strlen(path)) == 0;
        }
    }
    return n;
}

static void claim_and_close(const char *device)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();

    CHECK(claim(state, device, NULL) == 0, "%s", device);
}

static void put_empty_file(void)
{
    CHECK(truncate(path, 0) == 0, "truncate");
}

static void put_other_file(void)
{
    int status = 1;

    put_away(true);
    if (fork() == 0) {
        vfa_state_keep(0);
        claim_and_close("0000:02:10.0");
        claim_and_close("0000:02:10.2");
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0, "the other process");
}

static void put_none(void)
{
    put_away(true);
}

static const struct {
    const char *label;
    void (*change)(void); /* done while one handle is kept and none is in use */
    size_t expected;      /* claims */
} changes[] = {
    {"nothing", NULL, 1},
    {"emptied", put_empty_file, 0},
    {"another file", put_other_file, 2},
    {"removed", put_none, 0},
};

static void test_kept(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        struct vfa_state *state;

        unlink(path);
        vfa_state_keep(2);
        claim_and_close("0000:01:10.0");
        CHECK(opened() == 1, "%s: kept %zu", changes[i].label, opened());
        if (changes[i].change)
            changes[i].change();
        state = open_state();
        CHECK(count(state) == changes[i].expected, "%s: %zu", changes[i].label, count(state));
        CHECK(opened() == 1, "%s: opened %zu times", changes[i].label, opened());
        vfa_state_close(state);
        vfa_state_keep(0);
        CHECK(opened() == 0, "%s: %zu left", changes[i].label, opened());
    }
}

/* A kept handle has no transaction, and no more handles are kept than allowed. */
static void test_kept_is_clean(void)
{
    struct vfa_state *states[3];

    unlink(path);
    vfa_state_keep(2);
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        states[i] = open_state();
    CHECK(vfa_state_begin(states[0], NULL) == 0 && claim(states[0], "0000:01:10.0", NULL) == 0,
          "claimed");
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        vfa_state_close(states[i]);
    CHECK(opened() == 2, "%zu are kept", opened());
    states[0] = open_state();
    CHECK(!vfa_state_is_open(states[0]) && count(states[0]) == 0,
          "the transaction was rolled back");
    vfa_state_close(states[0]);
    vfa_state_keep(0);
}

/* A handle that was opened for reading is not used for writing later. */
static void test_kept_by_mode(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_state *reader;

    vfa_state_keep(2);
    claim_and_close("0000:01:10.0");
    vfa_state_close(open_as(VFA_STATE_READ, &err));
    reader = open_as(VFA_STATE_READ, &err);
    CHECK(claim(reader, "0000:01:10.2", NULL) < 0, "a reader writes");
    vfa_state_close(reader);
    vfa_state_keep(0);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* If one kept handle is locked, vfa_state_open() does not wait for each of the others. */
static void test_kept_and_locked(void)
{
    const int patience = 300;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_state *states[] = {NULL, NULL};
    sqlite3 *other = NULL;
    int64_t began, took;

    unlink(path);
    vfa_state_keep(ARRAY_SIZE(states));
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        states[i] = open_state();
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        states[i] = vfa_state_close(states[i]);
    CHECK(sqlite3_open(path, &other) == SQLITE_OK &&
              sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK,
          "%s", sqlite3_errmsg(other));
    vfa_state_set_patience((unsigned)patience);
    began = now_ms();
    CHECK(vfa_state_open(path, "/nonexistent", VFA_STATE_WRITE, &states[0], &err) == -EBUSY, "%s",
          vfa_error_text(&err));
    took = now_ms() - began;
    CHECK(took >= patience / 2 && took < 2 * patience, "%d ms", (int)took);
    sqlite3_close(other);
    vfa_state_set_patience(10000);
    vfa_state_keep(0);
}

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    snprintf(path, sizeof(path), "%s/state", made_root);
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    snprintf(journal, sizeof(journal), "%s-journal", path);
    test_reader_after_kill();
    test_open_reader_after_kill();
    test_copy_after_kill();
    test_read_only_user_after_kill();
    test_stranger();
    test_moved();
    test_moved_statement();
    test_set_aside();
    test_link_to_file(false);
    test_link_to_file(true);
    test_link_to_folder();
    test_run_folders();
    test_kept();
    test_kept_is_clean();
    test_kept_and_locked();
    test_kept_by_mode();
    made_end(&sysfs);
    return check_result();
}
