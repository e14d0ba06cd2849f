/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a device becomes free if a driver must restore its settings: drivers that refuse for a time
 * or always, programs that are killed, programs that do the same at the same time, and other
 * domains. Uses the card of made-card.h.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/hold.h"
#include "state/lock.h"
#include "state/meta.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/state.h"
#include "state/withdrawn.h"
#include "host/host.h"
#include "claim/reassert.h"
#include "claim/release.h"
#include "made-card.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>

#define OTHER "bbbbbbbb-0000-4000-8000-000000000000"
#define SET   "trust=yes vlan=42"

/* A host on which the VF's settings were changed for its domain. */
static struct vfa_host begin_set(void)
{
    struct vfa_host host = begin(VF);

    CHECK(apply(&host, SET, HOSTDEV, VFA_SETTINGS_REQUIRED, NULL) == 0 && !is_now(USUAL), "apply");
    return host;
}

static void stop_domain(struct vfa_host *host)
{
    CHECK(vfa_release(host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
}

static size_t finish(struct vfa_host *host, enum vfa_release_patience patience)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release_finish(host, patience, &left, NULL) == 0, "finish");
    return left.n;
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        made_give_up(sql);
    sqlite3_close(db);
}

/* Makes the end of the claim `seconds` older. */
static void make_older(unsigned seconds)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "UPDATE claim SET state_since = state_since - %u", seconds);
    run_sql(sql);
}

static int claim_for_other(struct vfa_host *host, enum vfa_claim_state state)
{
    struct vfa_claim claim = the_claim(VF);

    claim.uuid = (char *)OTHER;
    claim.state = state;
    return vfa_state_claim(host->state, &claim, NULL);
}

/* ---- drivers that refuse ---- */

/* The driver fails `times` times with `errno_value`. Then the settings of the VF are restored, or
 * the VF is quarantined, or it is still releasing after a hook has waited. */
static const struct {
    const char *label;
    int errno_value;
    unsigned times;
    bool no_link;
    bool free, quarantined;
} refusals[] = {
    {"no refusal", EAGAIN, 0, false, true, false},
    {"i40e: the VF resets", EAGAIN, 2, false, true, false},
    {"ice: the VF resets", EBUSY, 3, false, true, false},
    {"for good", EOPNOTSUPP, 1, false, false, true},
    {"a value that it does not take", EINVAL, 1, false, false, true},
    {"ixgbe, bnxt: the PF has no link", EINVAL, 1000, true, false, false},
    {"the PF is down", ENETDOWN, 1000, true, false, false},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        const char *label = refusals[i].label;
        struct vfa_host host = begin_set();
        bool left = !refusals[i].free && !refusals[i].quarantined;

        card.busy = refusals[i].times;
        card.busy_with = refusals[i].errno_value;
        card.pf.running = !refusals[i].no_link;
        stop_domain(&host);
        CHECK(!is_now(USUAL), "%s: no driver is asked while claims end", label);
        CHECK(finish(&host, VFA_RELEASE_WAIT) == left, "%s: left", label);
        CHECK(count_claims(&host) == left, "%s: its claim", label);
        CHECK(is_quarantined(&host) == refusals[i].quarantined, "%s: quarantine", label);
        CHECK(is_now(USUAL) == refusals[i].free, "%s: as it was", label);
        CHECK((read_saved().device[0] != 0) != refusals[i].free, "%s: what it was", label);
        end(&host);
    }
}

/* Back-off, then quarantine. The saved settings stay, and are restored from the quarantine. */
static void test_long_refusal(void)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims ending = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin_set();
    unsigned calls;

    card.busy = 1000;
    card.busy_with = EBUSY;
    stop_domain(&host);
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 1, "refused");
    CHECK(vfa_state_ending(host.state, &ending, NULL) == 0 && ending.n == 1, "ending");
    CHECK(ending.n == 1 && ending.items[0].attempts == 1 &&
              strstr(ending.items[0].error, "cannot set trust: not now") != NULL,
          "on record");
    calls = card.all;
    run_sql("UPDATE claim SET attempts = 5"); /* after 1, 2, 5 and 10 seconds */
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 1 && card.all == calls, "the next one is not due");
    make_older(20);
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 1 && card.all > calls, "it is due");
    CHECK(claim_for_other(&host, VFA_CLAIM_CLAIMED) == VFA_STATE_TAKEN, "nobody's");
    make_older(VFA_RELEASE_GIVE_UP_S);
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 0 && count_claims(&host) == 0, "given up");
    CHECK(is_quarantined(&host) && warnings == 1 && read_saved().device[0], "quarantined");

    card.busy_with = EOPNOTSUPP;
    CHECK(vfa_release_restore(&host, VF, false, &err) == -EOPNOTSUPP &&
              check_has(&err, "its settings cannot be put back: cannot set trust") &&
              is_quarantined(&host),
          "%s", vfa_error_text(&err));
    card.busy = 0;
    CHECK(vfa_release_restore(&host, VF, false, NULL) == 0 && is_now(USUAL), "restored");
    CHECK(!is_quarantined(&host) && !read_saved().device[0], "free");
    CHECK(vfa_release_restore(&host, VF, false, NULL) == VFA_STATE_ABSENT, "once");
    end(&host);
}

/* The domain starts and stops all the time, and each time calls the driver. The release is not
 * given up before the minute has passed. */
static void test_many_attempts(void)
{
    struct vfa_host host = begin_set();

    card.busy = 100000;
    card.busy_with = EBUSY;
    stop_domain(&host);
    for (int i = 0; i < 100; i++)
        CHECK(vfa_release_finish_own(&host, UUID, NULL, NULL) == 0, "attempt %d", i);
    CHECK(count_claims(&host) == 1 && !is_quarantined(&host), "given up too soon");
    card.busy = 0;
    CHECK(vfa_release_finish_own(&host, UUID, NULL, NULL) == 0 && is_now(USUAL), "put back");
    CHECK(count_claims(&host) == 0, "free");
    end(&host);
}

/* The release is tried again, although the claim ended in what is now the future. */
static void test_clock_set_back(void)
{
    struct vfa_host host = begin_set();
    unsigned calls;

    card.busy = 1000;
    card.busy_with = EBUSY;
    stop_domain(&host);
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 1, "refused");
    run_sql("UPDATE claim SET state_since = state_since + 3600");
    calls = card.all;
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 1 && card.all > calls, "tried");
    calls = card.all;
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 1 && card.all == calls, "the next one is not due");
    card.busy = 0;
    make_older(20);
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 0 && is_now(USUAL), "free");
    end(&host);
}

/* A quarantine by an administrator stays, whether or not the settings can be restored. */
static void test_by_hand(void)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    struct vfa_host host = begin_set();

    CHECK(vfa_state_quarantine_by_hand(host.state, VF, "it smells", NULL) == 0, "quarantine");
    card.refused = ~0u;
    stop_domain(&host);
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && count_claims(&host) == 0, "refused for good");
    CHECK(vfa_state_quarantined(host.state, VF, &list, NULL) == 0 && list.n == 1 &&
              strcmp(list.items[0].reason, "it smells") == 0,
          "%s", list.n ? list.items[0].reason : "none");
    card.refused = 0;
    CHECK(vfa_release_restore(&host, VF, false, NULL) == 0 && is_now(USUAL), "put back");
    end(&host);
}

static void test_forgotten(void)
{
    struct vfa_host host = begin_set();

    card.refused = ~0u;
    stop_domain(&host);
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && is_quarantined(&host), "refused for good");
    CHECK(vfa_release_restore(&host, VF, true, NULL) == 0 && !is_quarantined(&host), "by force");
    CHECK(!read_saved().device[0] && !is_now(USUAL), "as it is");
    end(&host);
}

/* A later owner, with the VF as a host device in its XML, restores the settings that the first
 * owner found. */
static void test_later_owner(void)
{
    struct vfa_host host = begin_set();

    card.refused = ~0u;
    stop_domain(&host);
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && is_quarantined(&host), "refused for good");
    card.refused = 0;
    CHECK(claim_for_other(&host, VFA_CLAIM_CLAIMED) == 0, "claim");
    CHECK(vfa_release(&host, OTHER, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && is_now(USUAL), "put back");
    CHECK(!is_quarantined(&host) && count_claims(&host) == 0, "free");
    end(&host);
}

/* A busy driver is also tried again while the VF is set for a guest. */
static void test_set_patiently(void)
{
    struct vfa_host host = begin(VF);

    card.busy = 2;
    card.busy_with = EBUSY;
    CHECK(apply(&host, SET, HOSTDEV, VFA_SETTINGS_REQUIRED, NULL) == 0 && !is_now(USUAL), "set");
    end(&host);
}

/* ---- programs that are killed ---- */

static unsigned die_at;

static void die_then(void)
{
    if (die_at > 0 && --die_at == 0)
        raise(SIGKILL);
}

/* A program is killed at each call that changes the card, and before the first such call. The next
 * program finishes the release. */
static void test_killed(void)
{
    bool died = true;
    unsigned i;

    for (i = 0; died && i < 100; i++) {
        struct vfa_host host = begin_set();
        pid_t pid;
        int status;

        end(&host);
        pid = fork();
        if (pid == 0) {
            vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host.state, NULL);
            stop_domain(&host);
            die_at = i;
            card.on_set = die_then;
            if (i == 0)
                raise(SIGKILL);
            finish(&host, VFA_RELEASE_WAIT);
            end(&host);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid, "waitpid");
        died = WIFSIGNALED(status);
        CHECK(died || status == 0, "%u: ended with %d", i, status);
        vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host.state, NULL);
        CHECK(claim_for_other(&host, VFA_CLAIM_CLAIMED) == (died ? VFA_STATE_TAKEN : 0), "%u", i);
        if (died)
            CHECK(finish(&host, VFA_RELEASE_ONCE) == 0 && is_now(USUAL), "%u: finished", i);
        CHECK(!read_saved().device[0], "%u: nothing is left", i);
        end(&host);
    }
    CHECK(i > 3 && !died, "%u", i);
}

/* ---- other programs, while a driver is called ---- */

static unsigned met;

/* Another program finishes the same release, and a third program claims the device. */
static void meet(void)
{
    struct vfa_host other = {.config = &config, .sysfs = sysfs, .warn = warn};
    struct vfa_release_left left = {0};
    unsigned calls;

    card.on_set = NULL;
    met++;
    if (vfa_state_open(state_path, folder, VFA_STATE_WRITE, &other.state, NULL) != 0)
        made_give_up("state");
    calls = card.all;
    CHECK(vfa_release_finish(&other, VFA_RELEASE_ONCE, &left, NULL) == 0, "finish");
    CHECK(left.n == 1 && left.due_s == 1 && card.all == calls, "it is left to who is at work");
    CHECK(claim_for_other(&other, VFA_CLAIM_CLAIMED) == VFA_STATE_TAKEN, "not free");
    end(&other);
}

static void test_at_once(void)
{
    struct vfa_host host = begin_set();

    met = 0;
    stop_domain(&host);
    card.on_set = meet;
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && met == 1, "finished");
    CHECK(claim_for_other(&host, VFA_CLAIM_CLAIMED) == 0 && is_now(USUAL), "free");
    end(&host);
}

/* No program waits for the state file while a driver is slow. */
static void write_meanwhile(void)
{
    sqlite3 *db = NULL;

    met++;
    CHECK(sqlite3_open(state_path, &db) == SQLITE_OK &&
              sqlite3_exec(db, "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL, NULL) == SQLITE_OK,
          "the state file is locked");
    sqlite3_close(db);
}

static void test_no_lock(void)
{
    struct vfa_host host = begin(VF);

    met = 0;
    card.on_set = write_meanwhile;
    CHECK(apply(&host, SET, MACVTAP, VFA_SETTINGS_REQUIRED, NULL) == 0 && met == 3, "%u", met);
    stop_domain(&host);
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && met == 6, "%u", met);
    end(&host);
}

/* The domain stops while its VF is set. Settings that are set late are restored as well. */
static void stop_meanwhile(void)
{
    struct vfa_host other = {.config = &config, .sysfs = sysfs, .warn = warn};

    card.on_set = NULL;
    if (vfa_state_open(state_path, folder, VFA_STATE_WRITE, &other.state, NULL) != 0)
        made_give_up("state");
    stop_domain(&other);
    CHECK(finish(&other, VFA_RELEASE_ONCE) == 1, "not while somebody sets");
    end(&other);
}

static void test_stop_while_set(void)
{
    struct vfa_host host = begin(VF);

    card.on_set = stop_meanwhile;
    apply(&host, SET, HOSTDEV, VFA_SETTINGS_REQUIRED, NULL);
    CHECK(finish(&host, VFA_RELEASE_ONCE) == 0 && is_now(USUAL), "put back");
    CHECK(count_claims(&host) == 0 && !read_saved().device[0], "free");
    end(&host);
}

/* ---- an end that is reported late ---- */

static bool has_hold(struct vfa_host *host)
{
    VFA_AUTO(vfa_holds_clear) struct vfa_holds holds = {NULL, 0};

    CHECK(vfa_state_holds(host->state, UUID, &holds, NULL) == 0, "holds");
    return holds.n > 0;
}

/* The claim was made at second 1000. */
static void test_ended(void)
{
    struct vfa_host host = begin(VF);
    bool withdrawn = false;
    size_t n = 9;

    CHECK(vfa_state_want_hold(host.state, UUID, NULL) == 0, "hold");
    CHECK(vfa_state_withdraw(host.state, UUID, "other-0", NULL) == 0, "withdraw");
    CHECK(vfa_release_ended(&host, UUID, 999, &n, NULL) == 0 && n == 0, "before: %zu", n);
    CHECK(vfa_state_is_withdrawn(host.state, UUID, "other-0", &withdrawn, NULL) == 0 && withdrawn,
          "withdrawals of the later start stay");
    CHECK(count_claims(&host) == 1 && has_hold(&host), "all of it does");
    CHECK(vfa_release_ended(&host, UUID, 1000, &n, NULL) == 0 && n == 1, "in its second: %zu", n);
    CHECK(count_claims(&host) == 0 && !has_hold(&host), "gone");
    end(&host);
    host = begin(VF);
    run_sql("UPDATE claim SET since = CAST(strftime('%s', 'now') AS INTEGER) + 3600");
    CHECK(vfa_release_ended(&host, UUID, (int64_t)time(NULL), &n, NULL) == 0 && n == 1,
          "the clock was set back: %zu", n);
    end(&host);
}

/* ---- a running domain has the device that is releasing ---- */

static void test_taken_over(void)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    static const char xml[] =
        "<domain><name>b</name><uuid>" OTHER "</uuid><devices><hostdev mode='subsystem'"
        " type='pci'><source><address domain='0' bus='1' slot='0x10' function='2'/></source>"
        "</hostdev></devices></domain>";
    struct vfa_host host = begin_set();

    vfa_state_set_synced(host.state, NULL);
    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "XML");
    stop_domain(&host);
    CHECK(vfa_reassert(&host, domain, NULL) == 0, "it runs with it");
    CHECK(vfa_state_claims(host.state, OTHER, &claims, NULL) == 0 && claims.n == 1, "its claim");
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && !is_now(USUAL), "left alone while it has it");
    CHECK(vfa_release(&host, OTHER, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "it stops");
    CHECK(finish(&host, VFA_RELEASE_WAIT) == 0 && is_now(USUAL), "as it was at first");
    CHECK(count_claims(&host) == 0 && !read_saved().device[0], "free");
    end(&host);
}

/* While one device becomes free, another domain loses another device. */
static void lose_another(void)
{
    card.on_set = NULL;
    run_sql("INSERT INTO claim (device, kind, uuid, domain, request, state, since, state_since,"
            " attempts) VALUES ('0000:04:00.0', 'pci', '" OTHER "', 'o', 'r', 'releasing', 1,"
            " CAST(strftime('%s', 'now') AS INTEGER), 5)");
}

static int64_t freed_by_now(struct vfa_host *host)
{
    int64_t freed = 0;

    CHECK(vfa_state_counter(host->state, VFA_COUNTER_FREED, &freed, NULL) == 0, "counter");
    return freed;
}

static void test_await_any(void)
{
    struct vfa_host host = begin_set();
    int64_t freed = freed_by_now(&host);

    CHECK(!vfa_release_await_any(&host, OTHER, freed), "nothing to wait for");
    stop_domain(&host);
    card.on_set = lose_another;
    CHECK(vfa_release_await_any(&host, OTHER, freed) && is_now(USUAL),
          "what somebody left is finished");
    CHECK(count_claims(&host) == 1, "the next one is not finished yet");
    CHECK(vfa_release_await_any(&host, OTHER, freed) && count_claims(&host) == 0, "now it is");
    CHECK(vfa_release_await_any(&host, OTHER, freed), "it became free before the wait");
    CHECK(!vfa_release_await_any(&host, OTHER, freed_by_now(&host)), "nothing more is to be had");
    end(&host);
}

/* vfaliasd finishes the releasing claims when it has its turn. */
static void finish_as_daemon(void)
{
    struct vfa_host other = {.config = &config, .sysfs = sysfs, .warn = warn};

    card.on_wait = NULL;
    if (vfa_state_open(state_path, folder, VFA_STATE_WRITE, &other.state, NULL) != 0)
        made_give_up("state");
    CHECK(finish(&other, VFA_RELEASE_ONCE) == 0, "finish");
    end(&other);
}

/* While vfaliasd runs, the hook of another domain calls no driver: the call may take for ever. */
static void test_left_to_daemon(void)
{
    VFA_AUTO(vfa_closep) int daemon = -1;
    struct vfa_host host = begin_set();
    struct vfa_release_left left = {0};
    int64_t freed = freed_by_now(&host);
    unsigned calls;

    stop_domain(&host);
    calls = card.all;
    CHECK(vfa_lock_acquire(state_path, &daemon, NULL) == 0, "daemon");
    CHECK(vfa_release_finish_own(&host, OTHER, &left, NULL) == 0 && left.n == 1, "release");
    CHECK(vfa_release_leftovers(&host, OTHER, NULL) == 0, "start");
    CHECK(!vfa_release_await_any(&host, OTHER, freed), "start that needs it");
    CHECK(card.all == calls && count_claims(&host) == 1, "no driver is asked");
    card.on_wait = finish_as_daemon;
    CHECK(vfa_release_await_any(&host, OTHER, freed) && is_now(USUAL), "vfaliasd did it");
    end(&host);
    host = begin_set();
    stop_domain(&host);
    CHECK(vfa_release_finish_own(&host, UUID, &left, NULL) == 0 && left.n == 0, "its own");
    end(&host);
}

/* A start finds a releasing claim of its domain. */
static void test_leftovers(void)
{
    struct vfa_host host = begin_set();

    CHECK(vfa_release_leftovers(&host, OTHER, NULL) == 0 && count_claims(&host) == 1, "another's");
    CHECK(vfa_release_leftovers(&host, UUID, NULL) == 0 && count_claims(&host) == 0, "its own");
    CHECK(is_now(USUAL), "as it was");
    end(&host);
}

int main(void)
{
    make_tree();
    test_refusals();
    test_long_refusal();
    test_many_attempts();
    test_clock_set_back();
    test_by_hand();
    test_forgotten();
    test_later_owner();
    test_set_patiently();
    test_killed();
    test_at_once();
    test_no_lock();
    test_stop_while_set();
    test_taken_over();
    test_ended();
    test_await_any();
    test_left_to_daemon();
    test_leftovers();
    made_end(&sysfs);
    return check_result();
}
