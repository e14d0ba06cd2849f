/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file as a file: what a program that was killed leaves is taken back by whoever comes
 * next, a reader too.
 */
#include "check.h"
#include "made-sysfs.h"
#include "state.h"

#include <signal.h>
#include <sys/wait.h>

#define UUID   "aaaaaaaa-0000-4000-8000-000000000000"
#define NOBODY 65534

static char path[96], journal[112];

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

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    snprintf(path, sizeof(path), "%s/state", made_root);
    snprintf(journal, sizeof(journal), "%s-journal", path);
    test_reader_after_kill();
    test_copy_after_kill();
    test_read_only_user_after_kill();
    made_end(&sysfs);
    return check_result();
}
