/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file as a file: what a program that was killed leaves is taken back by whoever comes
 * next, a reader too; and nobody commits into a file that is the state no more. The program is
 * linked with --wrap=rename, to see a damaged one set aside.
 */
#include "check.h"
#include "made-sysfs.h"
#include "state.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

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
                                  .iommu_group = -1,
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

/* ---- a program that was killed ---- */

/* One claim is committed, another is not. */
static void kill_a_writer(void)
{
    int status = 0;
    pid_t pid;

    unlink(path);
    pid = fork();
    if (pid == 0) {
        struct vfa_state *state = open_state();

        if (claim(state, "0000:01:10.0", NULL) == 0 && vfa_state_begin(state, NULL) == 0 &&
            claim(state, "0000:01:10.2", NULL) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "%d", status);
    CHECK(access(journal, F_OK) == 0, "something is half done");
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

static void test_copy_after_kill(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    kill_a_writer();
    CHECK(vfa_state_open_copy(path, made_root, &state, &err) == 0 && count(state) == 1, "%s",
          err.code ? vfa_error_text(&err) : "");
}

/* Of group libvirt, say. 0, or the exit status for what is not so. */
static int read_only_user(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;

    if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        return 2;
    state = open_as(VFA_STATE_READ, &err);
    return !state && err.code == EACCES && check_has(&err, path) &&
                   check_has(&err, "a program was killed while it changed it")
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

/* ---- a file that is the state no more ---- */

static void put_away(bool remove_it)
{
    CHECK((remove_it ? unlink(path) : rename(path, aside)) == 0, "put away");
}

/* Before a transaction, or before its end. */
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

/* A statement by itself. */
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

/* ---- setting aside ---- */

/* Locks are those of a process: another one looks. */
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

/* All but the first page, which says how large pages are. */
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

/* Nobody is in the middle of a transaction then: it would be lost without a word. */
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

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    snprintf(path, sizeof(path), "%s/state", made_root);
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    snprintf(journal, sizeof(journal), "%s-journal", path);
    test_reader_after_kill();
    test_copy_after_kill();
    test_read_only_user_after_kill();
    test_moved();
    test_moved_statement();
    test_set_aside();
    made_end(&sysfs);
    return check_result();
}
