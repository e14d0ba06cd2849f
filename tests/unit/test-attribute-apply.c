/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes of a device that are set for a guest, and files that refuse that. */

#include "base/common.h"
#include "base/error.h"
#include "device/attributes.h"
#include "provision/provisioner.h"
#include "made-gpu.h"

/* ---- from one end to the other ---- */

static void test_set_and_back(void)
{
    struct vfa_host host = begin_gpu();

    CHECK(apply_wanted(&host, NULL) == 0 && is_set() && driver.writes == 2, "set");
    CHECK(apply_wanted(&host, NULL) == 0 && driver.writes == 2, "twice is the same as once");
    stop(&host);
    CHECK(is_set(), "no file is written while claims end");
    CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == 0 && is_usual(), "set back");
    CHECK(driver.writes == 4 && count_claims(&host) == 0 && !is_saved(TYPE), "free");
    CHECK(warnings == 0, "in silence");
    end(&host);
}

/* An attribute that is as wanted is left alone, and stays so. */
static void test_as_wanted(void)
{
    struct vfa_host host = begin_gpu();

    want(TYPE " 0x0\nreset_method bus\n");
    CHECK(apply_wanted(&host, NULL) == 0 && driver.writes == 1, "%u", driver.writes);
    CHECK(!is_saved(TYPE) && is_saved("reset_method"), "what is changed is saved");
    stop(&host);
    CHECK(finish_all_releases(&host, VFA_RELEASE_WAIT) == 0 && is_usual(), "set back");
    CHECK(driver.writes == 2, "%u", driver.writes);
    end(&host);
}

/* Nothing is changed for a copied tree, nor for an alias without attributes. */
static void test_not_wanted(void)
{
    struct vfa_host host = begin_gpu();

    card.is_host = false;
    CHECK(apply_wanted(&host, NULL) == 0 && driver.writes == 0, "a copied tree");
    card.is_host = true;
    vfa_attributes_clear(&wanted);
    CHECK(apply_wanted(&host, NULL) == 0 && driver.writes == 0 && card.all == 0, "none");
    end(&host);
}

/* A VF with both: settings first, back in the other order; each undone if the other is refused. */
static void test_with_settings(void)
{
    struct vfa_host host = begin(VF);
    const struct vfa_claim claim = the_claim(VF);
    struct vfa_desired desired = {.settings = settings("trust=yes"), .kind = HOSTDEV};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    memset(&driver, 0, sizeof(driver));
    made_file("bus/pci/devices/" VF "/reset_method", "flr bus");
    want("reset_method bus\n");
    desired.attributes = wanted;
    CHECK(vfa_provisioner_apply(&host, &claim, &desired, NULL) == 0 && !is_now(USUAL), "set");
    CHECK(read_saved().settings.given == 1u << VFA_VF_TRUST, "on record");
    CHECK(release_all(&host) == 0 && is_now(USUAL) && count_claims(&host) == 0, "back");
    end(&host);

    host = begin(VF);
    made_without("bus/pci/devices/" VF "/reset_method");
    CHECK(vfa_provisioner_apply(&host, &claim, &desired, &err) == VFA_VF_REFUSED &&
              check_has(&err, "'reset_method' of " VF ": cannot read what it is now"),
          "%s", vfa_error_text(&err));
    CHECK(is_now(USUAL) && card.sets == 0 && !read_saved().device[0], "nothing was changed");
    end(&host);
}

/* ---- files that refuse a guest ---- */

static const struct {
    const char *label, *wanted, *file;
    int code;
    unsigned times;
    bool empty;
    const char *refused; /* NULL: the guest gets the device */
} starts[] = {
    {"no refusal", TYPE " 742\n", NULL, 0, 0, false, NULL},
    {"for now", TYPE " 742\n", NULL, EBUSY, 3, false, NULL},
    {"as NVIDIA's does", TYPE " 742\n", NULL, EPERM, 3, false, NULL},
    {"for long", TYPE " 742\n", NULL, EAGAIN, 1000, false,
     "cannot set attribute '" TYPE "' of " GPU " to '742': Resource temporarily unavailable"},
    {"no such type", TYPE " 999\n", NULL, EINVAL, 1000, false,
     "cannot set attribute '" TYPE "' of " GPU " to '999': Invalid argument"},
    {"the second", "reset_method bus\n" TYPE " 742\n", TYPE, ENOSPC, 1, false,
     "cannot set attribute '" TYPE "' of " GPU " to '742': No space left on device"},
    {"a driver that keeps another value", "reset_method bus\n", NULL, 0, 0, true,
     "cannot set attribute 'reset_method' of " GPU " to 'bus': afterwards it is ''"},
    {"no such file", "nvidia/vgpu_type 742\n", NULL, 0, 0, false,
     "cannot set attribute 'nvidia/vgpu_type' of " GPU
     ": cannot read what it is now, so it could not be set back: No such file or directory"},
    {"a name that the configuration would not take", "remove 1\n", NULL, 0, 0, false,
     "cannot set attribute 'remove' of " GPU
     ": cannot read what it is now, so it could not be set back: it makes or removes devices"},
};

static void test_starts(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = begin_gpu();
        int r;

        made_file(FOLDER "/remove", "0");
        want(starts[i].wanted);
        driver.file = starts[i].file;
        driver.code = starts[i].code;
        driver.busy = starts[i].times;
        driver.empty = starts[i].empty;
        r = apply_wanted(&host, &err);
        CHECK(r == (starts[i].refused ? VFA_VF_REFUSED : 0), "%s: %d", starts[i].label, r);
        if (starts[i].refused) {
            CHECK(strcmp(vfa_error_text(&err), starts[i].refused) == 0, "%s: %s", starts[i].label,
                  vfa_error_text(&err));
            driver.empty = false;
            driver.busy = 0;
            CHECK(release_gpu(&host) == 0 && is_usual(), "%s: as it was", starts[i].label);
        }
        end(&host);
    }
}

/* What was changed before the refusal is set back at once, and the claim can go. */
static void test_undone_at_once(void)
{
    struct vfa_host host = begin_gpu();

    want("reset_method bus\n" TYPE " 742\n");
    driver.file = TYPE;
    driver.code = EINVAL;
    driver.busy = 1;
    CHECK(apply_wanted(&host, NULL) == VFA_VF_REFUSED && is_usual(), "as it was");
    CHECK(!is_saved("reset_method") && !is_saved(TYPE), "nothing is saved any more");
    end(&host);
}

/* ---- the state file is free while a driver takes its time ---- */

static unsigned met;

static void write_state(void)
{
    sqlite3 *db = NULL;

    met++;
    CHECK(sqlite3_open(state_path, &db) == SQLITE_OK &&
              sqlite3_exec(db, "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL, NULL) == SQLITE_OK,
          "the state file is locked");
    sqlite3_close(db);
}

static void test_no_transaction(void)
{
    struct vfa_host host = begin_gpu();

    driver.on_write = write_state;
    CHECK(apply_wanted(&host, NULL) == 0 && met == 2, "%u", met);
    CHECK(release_gpu(&host) == 0 && met == 4, "%u", met);
    end(&host);
}

int main(void)
{
    make_tree();
    test_set_and_back();
    test_as_wanted();
    test_not_wanted();
    test_with_settings();
    test_starts();
    test_undone_at_once();
    test_no_transaction();
    vfa_attributes_clear(&wanted);
    made_end(&sysfs);
    return check_result();
}
