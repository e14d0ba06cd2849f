/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Withdrawn requests, leased requests, and how leases end. */

#include "base/common.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/lock.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "check.h"
#include "made-keys.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID_A "aaaaaaaa-0000-0000-0000-000000000000"
#define UUID_B "bbbbbbbb-0000-0000-0000-000000000000"

static char folder[64];
static char path[128];

static struct vfa_state *open_state(void)
{
    struct vfa_state *state = NULL;

    CHECK(vfa_state_open(path, "/nonexistent", VFA_STATE_WRITE, &state, NULL) == 0, "open");
    return state;
}

static enum vfa_withdrawal withdrawal(struct vfa_state *state, const char *request)
{
    enum vfa_withdrawal withdrawal = VFA_WITHDRAWAL_NONE;
    bool alone = false;

    CHECK(vfa_state_withdrawal(state, UUID_A, request, &withdrawal, NULL) == 0, "ask");
    CHECK(vfa_state_is_withdrawn(state, UUID_A, request, &alone, NULL) == 0, "ask");
    CHECK(alone == (withdrawal == VFA_WITHDRAWAL_USER || withdrawal == VFA_WITHDRAWAL_LEASED), "%d",
          withdrawal);
    return withdrawal;
}

/* Leases a request to a new lease holder. Returns the descriptor of its lock; *number: its
 * number. */
static int borrow(struct vfa_state *state, const char *uuid, const char *request, int64_t *number)
{
    int fd = -1;

    CHECK(vfa_state_begin(state, NULL) == 0, "begin");
    CHECK(vfa_state_become_lease_holder(state, number, &fd, NULL) == 0, "become");
    CHECK(vfa_state_lease(state, uuid, request, *number, NULL) == 0, "borrow");
    CHECK(vfa_state_commit(state, NULL) == 0, "commit");
    return fd;
}

static size_t count_claims(struct vfa_state *state)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_claims(state, UUID_A, &claims, NULL) == 0, "claims");
    return claims.n;
}

static void claim(struct vfa_state *state, const char *request)
{
    const struct vfa_claim claim = {.device = (char *)"0000:01:10.0",
                                    .keys = made_keys("0000:01:10.0", NULL, -1),
                                    .kind = (char *)"pci",
                                    .uuid = (char *)UUID_A,
                                    .domain = (char *)"a",
                                    .request = (char *)request,
                                    .alias = (char *)"net",
                                    .state = VFA_CLAIM_ACTIVE};

    CHECK(vfa_state_claim(state, &claim, NULL) == 0, "claim");
}

static void test_user(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();

    claim(state, "n-0");
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_NONE, "not yet");
    CHECK(vfa_state_withdraw(state, UUID_A, "n-0", NULL) == 0, "withdraw");
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_USER, "withdrawn");
    CHECK(count_claims(state) == 0, "its claim goes");
    CHECK(vfa_state_end_lease(state, UUID_A, "n-0", NULL) == 0, "end");
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_USER, "nobody borrowed it");
    CHECK(vfa_state_forget_withdrawals(state, UUID_A, NULL) == 0, "forget");
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_NONE, "asked anew");
}

static void test_borrower(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
    int64_t first = 0, second = 0;
    int a, b;

    claim(state, "n-0");
    a = borrow(state, UUID_A, "n-0", &first);
    b = borrow(state, UUID_A, "n-1", &second);
    CHECK(first > 0 && second > first, "%d %d", (int)first, (int)second);
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_LEASED, "borrowed");
    CHECK(count_claims(state) == 1, "its claim stays");
    CHECK(vfa_state_forget_withdrawals(state, UUID_A, NULL) == 0, "forget");
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_LEASED, "asked anew meanwhile");
    vfa_lock_endp(&a);
    CHECK(a == -1 && withdrawal(state, "n-0") == VFA_WITHDRAWAL_LEASE_ENDED, "ended");
    CHECK(withdrawal(state, "n-1") == VFA_WITHDRAWAL_LEASED, "the other one is there");
    vfa_lock_endp(&b);
    a = borrow(state, UUID_A, "n-2", &first);
    CHECK(first > second, "%d: no number of a row", (int)first);
    CHECK(withdrawal(state, "n-1") == VFA_WITHDRAWAL_LEASE_ENDED, "not borrowed by the next one");
    CHECK(vfa_state_end_lease(state, UUID_A, "n-1", NULL) == 0, "end");
    CHECK(withdrawal(state, "n-1") == VFA_WITHDRAWAL_NONE, "given back");
    CHECK(vfa_state_withdraw(state, UUID_A, "n-2", NULL) == 0, "withdraw");
    CHECK(withdrawal(state, "n-2") == VFA_WITHDRAWAL_USER, "for good");
    vfa_lock_endp(&a);
    CHECK(withdrawal(state, "n-2") == VFA_WITHDRAWAL_USER, "for good, without its borrower");
    CHECK(vfa_state_release(state, UUID_A, NULL, NULL, NULL) == 0, "release");
    CHECK(withdrawal(state, "n-0") == VFA_WITHDRAWAL_NONE, "the domain has ended");
}

/* The number is larger than that of any row; a locked number without a row is skipped. */
static void test_number_is_taken(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
    struct stat st = {0};
    int64_t number = 0;
    int a = -1, b;

    CHECK(vfa_lock_lease(path, 1, &a, NULL) == 0, "first");
    b = borrow(state, UUID_B, "n-0", &number);
    CHECK(number == 2, "%d", (int)number);
    CHECK(fstat(a, &st) == 0 && (st.st_mode & 0777) == 0640, "others could lock it: %o",
          st.st_mode);
    vfa_lock_endp(&a);
    vfa_lock_endp(&b);
}

static void count_domain(void *data, const char *uuid)
{
    unsigned *counts = data;

    counts[strcmp(uuid, UUID_A) == 0 ? 0 : 1]++;
}

static void test_each_held(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
    unsigned counts[2] = {0, 0};
    int64_t number = 0;
    int a, b;

    vfa_state_release(state, UUID_B, NULL, NULL, NULL);
    CHECK(vfa_state_withdraw(state, UUID_B, "n-0", NULL) == 0, "withdraw");
    a = borrow(state, UUID_A, "n-0", &number);
    b = borrow(state, UUID_A, "n-1", &number);
    vfa_lock_endp(&a);
    CHECK(vfa_state_each_leased(state, count_domain, counts, NULL) == 0, "each");
    CHECK(counts[0] == 1 && counts[1] == 0, "%u %u", counts[0], counts[1]);
    vfa_lock_endp(&b);
}

static void borrow_for_ever(int ready)
{
    struct vfa_state *state = open_state();
    int64_t number;

    borrow(state, UUID_A, "killed", &number);
    if (write(ready, "", 1) == 1)
        pause();
    _exit(1);
}

static void test_killed(void)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = open_state();
    int ready[2];
    char byte;
    pid_t pid;

    CHECK(pipe(ready) == 0, "pipe");
    pid = fork();
    if (pid == 0)
        borrow_for_ever(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1, "ready");
    CHECK(withdrawal(state, "killed") == VFA_WITHDRAWAL_LEASED, "borrowed by another process");
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, NULL, 0) == pid, "wait");
    CHECK(withdrawal(state, "killed") == VFA_WITHDRAWAL_LEASE_ENDED, "killed");
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    char name[192];

    strcpy(folder, "/tmp/vfalias-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/state", folder);
    test_user();
    test_borrower();
    test_number_is_taken();
    test_each_held();
    test_killed();
    snprintf(name, sizeof(name), "%s.borrow", path);
    unlink(name);
    unlink(path);
    rmdir(folder);
    return check_result();
}
