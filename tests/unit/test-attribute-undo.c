/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes of a device that are set back: files that refuse, programs that are killed, states and
 * configurations that change meanwhile.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/attributes.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/state.h"
#include "provision/provisioner.h"
#include "claim/reassert.h"
#include "claim/release.h"
#include "made-gpu.h"

#include <sys/wait.h>

/* ---- files that refuse to be set back ---- */

/* After a hook has waited: free, quarantined, or still releasing. */
static const struct {
    const char *label;
    int code;
    unsigned times;
    unsigned age; /* seconds since the claim ended */
    bool free, quarantined;
} refusals[] = {
    {"no refusal", 0, 0, 0, true, false},
    {"for less than a hook waits", EPERM, 20, 0, true, false},
    {"for longer", EPERM, 1000, 0, false, false},
    {"for a while", EBUSY, 1000, 6, false, false},
    {"for 10 s", EBUSY, 1000, 10, false, true},
    {"a value that it has shown itself", EINVAL, 1000, 0, false, false},
    {"the same, for 10 s", EINVAL, 1000, 10, false, true},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        const char *label = refusals[i].label;
        struct vfa_host host = begin_set_gpu();
        bool left = !refusals[i].free && !refusals[i].quarantined;

        driver.file = TYPE;
        driver.busy = refusals[i].times;
        driver.code = refusals[i].code;
        stop(&host);
        make_claim_older(refusals[i].age);
        CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == left, "%s: left", label);
        CHECK(count_claims(&host) == left, "%s: its claim", label);
        CHECK(is_gpu_quarantined(&host, "cannot set attribute '" TYPE "' of " GPU
                                        " back to '0': ") == refusals[i].quarantined,
              "%s: quarantine", label);
        CHECK(shows("reset_method", "flr bus"), "%s: the other one is back", label);
        CHECK(is_usual() == refusals[i].free && is_saved(TYPE) != refusals[i].free, "%s", label);
        end(&host);
    }
}

/* When vfaliasd tries again, until the file has refused for 10 s. */
static void test_schedule(void)
{
    static const unsigned due[] = {1, 1, 3, 5}; /* after 0, 1, 2, 5 seconds */
    struct vfa_host host = begin_set_gpu();

    driver.busy = 10000;
    driver.code = EBUSY;
    stop(&host);
    for (size_t i = 0; i < ARRAY_SIZE(due); i++) {
        struct vfa_release_left left = {0};

        CHECK(vfa_release_finish(&host, VFA_RELEASE_ONCE, &left, NULL) == 0, "finish");
        CHECK(left.n == 1 && left.due_s <= due[i] && left.due_s + 1 >= due[i], "%zu: %u", i,
              left.due_s); /* a second may have passed */
        make_claim_older(due[i]);
    }
    CHECK(!is_gpu_quarantined(&host, ""), "not yet");
    CHECK(finish_all_releases(&host, VFA_RELEASE_ONCE) == 0 && is_gpu_quarantined(&host, "busy"),
          "after 10 s");
    CHECK(warnings == 1, "%u", warnings);
    end(&host);
}

/* Its guest is gone, and an administrator takes the device out of quarantine. */
static void test_out_of_quarantine(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin_set_gpu();

    driver.busy = 10000;
    driver.code = EPERM;
    stop(&host);
    make_claim_older(10);
    CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == 0 && is_gpu_quarantined(&host, ""), "");
    CHECK(vfa_release_restore(&host, GPU, false, &err) == -EPERM &&
              check_has(&err, "its settings cannot be put back: cannot set attribute"),
          "%s", vfa_error_text(&err));
    driver.busy = 0;
    CHECK(vfa_release_restore(&host, GPU, false, NULL) == 0 && is_usual(), "set back");
    CHECK(!is_gpu_quarantined(&host, "") && !is_saved(TYPE), "free");
    end(&host);
}

/* ---- what changes meanwhile ---- */

/* The saved values count, whatever the alias says by now. */
static void test_other_configuration(void)
{
    struct vfa_host host = begin_set_gpu();

    want("reset_method flr\n");
    CHECK(apply_wanted(&host, NULL) == 0 && shows("reset_method", "flr"), "the new value");
    CHECK(shows(TYPE, "742"), "the other one stays as the guest got it");
    vfa_attributes_clear(&wanted);
    CHECK(apply_wanted(&host, NULL) == 0, "no attributes any more");
    CHECK(release_gpu(&host) == 0 && is_usual(), "as it was at first");
    end(&host);
}

static void test_gone(void)
{
    struct vfa_host host = begin_set_gpu();

    made_without(FOLDER);
    CHECK(release_gpu(&host) == 0 && count_claims(&host) == 0, "unplugged: nothing to set back");
    CHECK(!is_saved(TYPE), "forgotten");
    end(&host);

    host = begin_set_gpu();
    made_without(FOLDER "/nvidia");
    CHECK(release_gpu(&host) == 1, "the driver may be binding again");
    make_gpu();
    CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == 0 && is_usual(), "a new file: 0");
    end(&host);

    host = begin_set_gpu();
    made_without(FOLDER "/nvidia");
    stop(&host);
    make_claim_older(10);
    CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == 0 &&
              is_gpu_quarantined(&host, "No such file or directory"),
          "the driver is gone for good");
    CHECK(shows("reset_method", "flr bus"), "the other one is back");
    end(&host);
}

/* A running guest whose state was lost: nobody knows what the value was. */
static void test_state_lost(void)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    static const char xml[] =
        "<domain><name>d</name><uuid>" UUID "</uuid><metadata><requests xmlns='urn:vfalias:1'>"
        "<request alias='gpu' name='" REQUEST "'/></requests></metadata><devices><hostdev"
        " mode='subsystem' type='pci'><source><address domain='0' bus='0x65' slot='0'"
        " function='4'/></source><alias name='ua-vf-" REQUEST "'/></hostdev></devices></domain>";
    struct vfa_alias gpu = {.name = (char *)"gpu", .types = ~0u};
    struct vfa_host host = begin_set_gpu();

    made_file("d.xml", ""); /* as libvirt notes a running domain */
    config.aliases = &gpu;
    config.n_aliases = 1;
    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "XML");
    for (unsigned with = 0; with < 2; with++) {
        gpu.sysfs = with ? wanted.items : NULL;
        gpu.n_sysfs = with ? wanted.n : 0;
        end(&host);
        unlink(state_path);
        if (vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host.state, NULL) != 0)
            made_give_up("state");
        CHECK(vfa_reassert(&host, domain, NULL) == 0 && count_claims(&host) == 1, "its claim");
        CHECK(is_gpu_quarantined(&host, "is not known: the state file was lost") == with, "%u",
              with);
    }
    config.aliases = NULL;
    config.n_aliases = 0;
    made_without("d.xml");
    end(&host);
}

/* A row that a newer version wrote. */
static void test_unreadable(void)
{
    struct vfa_host host = begin_set_gpu();
    sqlite3 *db = NULL;

    if (sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "UPDATE saved SET attributes = 'compressed'", NULL, NULL, NULL) !=
            SQLITE_OK)
        made_give_up("saved");
    sqlite3_close(db);
    CHECK(apply_wanted(&host, NULL) == 0, "nothing to change, nothing to save");
    CHECK(release_gpu(&host) == 0 &&
              is_gpu_quarantined(&host, "cannot be read: 'compressed' is no attribute"),
          "quarantined");
    CHECK(is_set() && driver.writes == 0, "left alone");
    end(&host);
}

/* ---- programs that are killed ---- */

/* In another process, killed before (or after) its Nth write. False: it was not killed. */
static bool run_killed(struct vfa_host *host, unsigned at, bool after,
                       void (*what)(struct vfa_host *))
{
    int status = 0, failed = check_failed;
    pid_t pid;

    end(host);
    pid = fork();
    if (pid == 0) {
        vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host->state, NULL);
        driver.writes = 0;
        driver.die_at = at;
        driver.die_after = after;
        what(host);
        end(host);
        _exit(check_failed > failed ? 1 : 0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid, "waitpid");
    CHECK(WIFSIGNALED(status) || status == 0, "%u: ended with %d", at, status);
    vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host->state, NULL);
    return WIFSIGNALED(status);
}

static void apply_in_child(struct vfa_host *host)
{
    apply_wanted(host, NULL);
}

static void release_in_child(struct vfa_host *host)
{
    finish_all_releases(host, VFA_RELEASE_WAIT);
}

/* Between saving and writing, and after each write: the next program goes on, or sets back. */
static void test_killed_while_set(void)
{
    unsigned kills = 0;

    for (unsigned i = 1; i <= 3; i++) {
        for (unsigned after = 0; after < 2; after++) {
            struct vfa_host host = begin_gpu();
            bool killed = run_killed(&host, i, after, apply_in_child);

            kills += killed;
            CHECK(is_saved(TYPE) && is_saved("reset_method"), "%u: on record", i);
            CHECK(apply_wanted(&host, NULL) == 0 && is_set(), "%u: set again", i);
            CHECK(release_gpu(&host) == 0 && is_usual(), "%u: as it was at first", i);
            end(&host);

            host = begin_gpu();
            run_killed(&host, i, after, apply_in_child);
            CHECK(release_gpu(&host) == 0 && is_usual() && !is_saved(TYPE), "%u: set back", i);
            end(&host);
        }
    }
    CHECK(kills == 4, "%u", kills);
}

static void test_killed_while_set_back(void)
{
    unsigned kills = 0;

    for (unsigned i = 1; i <= 3; i++) {
        for (unsigned after = 0; after < 2; after++) {
            struct vfa_host host = begin_set_gpu();
            bool killed;

            stop(&host);
            killed = run_killed(&host, i, after, release_in_child);
            kills += killed;
            CHECK(count_claims(&host) == killed && is_saved(TYPE) == killed, "%u: on record", i);
            CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == 0 && is_usual(), "%u: back", i);
            end(&host);
        }
    }
    CHECK(kills == 4, "%u", kills);
}

int main(void)
{
    make_tree();
    test_refusals();
    test_schedule();
    test_out_of_quarantine();
    test_other_configuration();
    test_gone();
    test_state_lost();
    test_unreadable();
    test_killed_while_set();
    test_killed_while_set_back();
    vfa_attributes_clear(&wanted);
    made_end(&sysfs);
    return check_result();
}
