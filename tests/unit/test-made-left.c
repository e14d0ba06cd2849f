/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are made for a claim: leftovers, devices that are open, a kernel that does not answer,
 * programs that are killed at each point (provision/made.h), and what make-device does.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/vdpa.h"
#include "state/lock.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/made.h"
#include "provision/provisioner.h"
#include "claim/release.h"
#include "check.h"
#include "made-claim.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>

/* ---- leftovers, and devices that are open ---- */

static void test_left_over(void)
{
    const struct vfa_vdpa_wanted left = {.name = vdpa + 5, .mgmtdev = "pci/0000:3b:00.2"};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, CARD);
    int node, r;

    CHECK(vfa_vdpa_add(&sysfs, &left, LIMIT, NULL) == 0 && apply(&host, vdpa, CARD, NULL) == 0 &&
              has_record_line(vdpa, "mac " MAC),
          "made anew");
    CHECK(release(&host) == 0, "released");
    CHECK(vfa_vdpa_add(&sysfs, &left, LIMIT, NULL) == 0, "again");
    close_host(&host);
    host = begin(vdpa, CARD);
    node = made_hold("dev/vhost-vdpa-0");
    r = apply(&host, vdpa, CARD, &err);
    check_refusal(r, VFA_VF_NOT_NOW, &err, "cannot be destroyed: cannot delete vDPA device");
    CHECK(exists(vdpa), "stays");
    CHECK(release(&host) == 1, "as long as it is open");
    close(node);
    CHECK(finish(&host) == 0, "then no longer");
    check_clean(&host, vdpa, "left over");
}

static void test_open(void)
{
    struct vfa_host host = begin(vdpa, CARD);
    int node;

    CHECK(apply(&host, vdpa, CARD, NULL) == 0, "made");
    node = made_hold("dev/vhost-vdpa-0");
    CHECK(release(&host) == 1 && exists(vdpa) && count_records(&host) == 1, "open");
    close(node);
    CHECK(finish(&host) == 0, "closed");
    check_clean(&host, vdpa, "open");
}

/* The claim ended so many seconds ago, and so many attempts have failed. */
static void set_end(unsigned seconds, unsigned attempts)
{
    sqlite3 *db = NULL;
    char sql[96];

    snprintf(sql, sizeof(sql), "UPDATE claim SET state_since = %lld, attempts = %u",
             (long long)time(NULL) - seconds, attempts);
    if (sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        made_give_up(sql);
    sqlite3_close(db);
}

static unsigned attempts_after_one_more(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};

    CHECK(vfa_release_finish(host, VFA_RELEASE_ONCE, NULL, NULL) == 0, "finish");
    CHECK(vfa_state_ending(host->state, &ending, NULL) == 0 && ending.n == 1, "still releasing");
    return ending.n == 1 ? ending.items[0].attempts : 0;
}

/* It is tried ever more seldom, and never given up. */
static void test_long_open(void)
{
    static const struct {
        unsigned age, attempts, then;
    } rows[] = {{50, 7, 7},    {60, 7, 8},     {110, 8, 8},    {120, 8, 9},     {950, 11, 11},
                {960, 11, 12}, {1910, 12, 12}, {1920, 12, 13}, {100000, 40, 41}};
    struct vfa_host host = begin(vdpa, CARD);
    int node;

    CHECK(apply(&host, vdpa, CARD, NULL) == 0, "made");
    node = made_hold("dev/vhost-vdpa-0");
    CHECK(release(&host) == 1, "open");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        set_end(rows[i].age, rows[i].attempts);
        CHECK(attempts_after_one_more(&host) == rows[i].then, "%u s, %u attempts", rows[i].age,
              rows[i].attempts);
    }
    close(node);
    CHECK(finish(&host) == 0, "closed");
    check_clean(&host, vdpa, "open for long");
}

static void test_quarantine(void)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    struct vfa_host host = begin(vdpa, CARD);

    CHECK(apply(&host, vdpa, CARD, NULL) == 0, "made");
    made_file("kernel/fail.del", "code 22\ntext no");
    CHECK(release(&host) == 0 && count_claims(&host) == 0 && count_records(&host) == 1, "given up");
    CHECK(vfa_state_quarantined(host.state, vdpa, &list, NULL) == 0 && list.n == 1 &&
              strstr(list.items[0].reason, "it was made for a guest, and is not destroyed: "),
          "quarantine");
    made_without("kernel/fail.del");
    CHECK(vfa_release_restore(&host, vdpa, false, NULL) == 0, "destroyed at last");
    check_clean(&host, vdpa, "quarantine");
}

/* ---- a kernel that does not answer ---- */

static void test_no_answer(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, CARD);
    char call[64];
    int hang = made_hold("kernel/hang.new"), hang_get = made_hold("kernel/hang.get"), r;

    snprintf(call, sizeof(call), "get %s", vdpa + 5);
    limit_ms = SHORT;
    r = apply(&host, vdpa, CARD, &err);
    check_refusal(r, -ETIMEDOUT, &err, "the kernel did not answer");
    CHECK(count_records(&host) == 1, "it may be made later");
    CHECK(release(&host) == 1, "the kernel does not tell yet");
    close(hang);
    close(hang_get);
    limit_ms = 0;
    CHECK(finish(&host) == 0 && made_called(call), "the kernel was asked");
    check_clean(&host, vdpa, "no answer");
    made_without("kernel/hang.new");
    made_without("kernel/hang.get");
    host = begin(vdpa, CARD);
    CHECK(apply(&host, vdpa, CARD, NULL) == 0, "made");
    hang = made_hold("kernel/hang.del");
    limit_ms = SHORT;
    CHECK(release(&host) == 1, "not destroyed yet");
    close(hang);
    limit_ms = 0;
    CHECK(finish(&host) == 0, "destroyed");
    check_clean(&host, vdpa, "no answer to a deletion");
    made_without("kernel/hang.del");
}

/* ---- programs that are killed ---- */

/* Forks a program that makes the device or ends the claim; kills it while it waits in the kernel. */
static void kill_in_call(const char *call, bool make)
{
    char hang_path[32], line[64];
    int hang, status;
    pid_t pid;

    snprintf(hang_path, sizeof(hang_path), "kernel/hang.%s", call);
    snprintf(line, sizeof(line), "%s %s", call, vdpa + 5);
    made_file("kernel/calls", "");
    hang = made_hold(hang_path);
    pid = fork();
    if (pid == 0) {
        struct vfa_host host = open_host();

        if (make)
            (void)apply(&host, vdpa, CARD, NULL);
        else
            (void)release(&host);
        _exit(0);
    }
    made_wait_called(line);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(hang);
    made_without(hang_path);
    CHECK(WIFSIGNALED(status), "%s", line);
}

static void test_killed(void)
{
    struct vfa_host host = begin(vdpa, CARD);

    close_host(&host);
    kill_in_call("new", true);
    host = open_host();
    CHECK(count_records(&host) == 1, "on record");
    CHECK(apply(&host, vdpa, CARD, NULL) == 0 && is_linked(), "made by the next program");
    close_host(&host);
    kill_in_call("unbind", false);
    kill_in_call("del", false);
    host = open_host();
    CHECK(count_claims(&host) == 1 && count_records(&host) == 1, "releasing");
    CHECK(finish(&host) == 0, "destroyed by the next program");
    check_clean(&host, vdpa, "killed");
}

/* The points between the calls, as another program finds them. */
static void test_between(void)
{
    struct vfa_host host = begin(vdpa, CARD);
    const struct vfa_saved saved = {.recipe = (char *)"maker=" CARD, .up = VFA_SAVED_NONE};
    struct vfa_saved record = saved;

    strcpy(record.device, vdpa);
    CHECK(vfa_state_save(host.state, &record, NULL) == 0 && release(&host) == 0, "only on record");
    check_clean(&host, vdpa, "only on record");
    host = begin(vdpa, CARD);
    CHECK(vfa_state_save(host.state, &record, NULL) == 0 && apply(&host, vdpa, CARD, NULL) == 0 &&
              is_linked(),
          "only on record, and made");
    CHECK(unlink(link_path) == 0 && release(&host) == 0, "its link is removed");
    rmdir(link_path);
    {
        char folder[192];

        snprintf(folder, sizeof(folder), "%s/vdpa/%s", run, UUID);
        rmdir(folder);
    }
    check_clean(&host, vdpa, "without a link");
    host = begin(vdpa, CARD);
    CHECK(apply(&host, vdpa, CARD, NULL) == 0 &&
              vfa_vdpa_delete(&sysfs, vdpa + 5, LIMIT, NULL) == 0 && has_link(),
          "only its link is left");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "only a link");
}

static void test_bad_record(void)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    struct vfa_host host = begin(vdpa, CARD);
    struct vfa_saved record = {.recipe = (char *)"gibberish", .up = VFA_SAVED_NONE};

    strcpy(record.device, vdpa);
    CHECK(vfa_state_save(host.state, &record, NULL) == 0 && release(&host) == 0, "given up");
    CHECK(vfa_state_quarantined(host.state, vdpa, &list, NULL) == 0 && list.n == 1 &&
              strstr(list.items[0].reason, "cannot be read: 'gibberish'"),
          "quarantine");
    CHECK(vfa_release_restore(&host, vdpa, true, NULL) == 0, "forgotten");
    check_clean(&host, vdpa, "bad record");
}

/* ---- the errand ---- */

static int run_other(void *data, const char *verb, const char *device, struct vfa_error *err)
{
    char *calls = data;

    strcat(calls, verb);
    strcat(calls, " ");
    return vfa_made_errand(&(struct vfa_host){.config = &config,
                                              .sysfs = sysfs,
                                              .state = *(struct vfa_state **)(calls + 64)},
                           verb, device, err);
}

static void test_errand(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, CARD);
    char calls[64 + sizeof(struct vfa_state *)] = "";
    int lock = -1, r;

    CHECK(vfa_made_errand(&host, VFA_MADE_MAKE, vdpa, NULL) == VFA_VF_STALE && !exists(vdpa),
          "nothing is on record");
    CHECK(vfa_made_errand(&host, VFA_MADE_DESTROY, vdpa, NULL) == 0, "nothing is on record");
    memcpy(calls + 64, &host.state, sizeof(host.state));
    host.run_maker = run_other;
    host.maker_data = calls;
    CHECK(apply(&host, vdpa, CARD, NULL) == 0 && apply(&host, vdpa, CARD, NULL) == 0 &&
              strcmp(calls, "make ") == 0,
          "'%s'", calls);
    CHECK(vfa_lock_making(state_path, vdpa, &lock, NULL) == 0, "another program");
    r = vfa_made_errand(&host, VFA_MADE_DESTROY, vdpa, &err);
    check_refusal(r, VFA_VF_NOT_NOW, &err, "another program makes or destroys ");
    vfa_lock_endp(&lock);
    vfa_error_clear(&err);
    CHECK(vfa_state_set_claim_state(host.state, UUID, REQUEST, VFA_CLAIM_ACTIVE, NULL) == 0,
          "active");
    r = vfa_made_errand(&host, VFA_MADE_DESTROY, vdpa, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "domain 'd' has it");
    CHECK(release(&host) == 0 && strcmp(calls, "make destroy ") == 0, "'%s'", calls);
    check_clean(&host, vdpa, "errand");
}

int main(void)
{
    make_host();
    test_left_over();
    test_open();
    test_long_open();
    test_quarantine();
    test_no_answer();
    test_killed();
    test_between();
    test_bad_record();
    test_errand();
    made_end(&sysfs);
    return check_result();
}
