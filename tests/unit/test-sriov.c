/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When vfa_sriov_apply() sets the number of VFs, and when it does not, on fake sysfs trees. This
 * file replaces vfa_sysfs_write_u32(): it records the numbers, and refuses a given number.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "base/pci-address.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/drop.h"
#include "state/lock.h"
#include "state/meta.h"
#include "state/state.h"
#include "host/host.h"
#include "host/sriov.h"
#include "claim/release.h"
#include "check.h"
#include "made-keys.h"
#include "made-sysfs.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define PF    "bus/pci/devices/0000:01:00.0"
#define VF    "bus/pci/devices/0000:01:10.0"
#define OTHER "bus/pci/devices/0000:02:00.0"
#define UUID  "aaaaaaaa-0000-0000-0000-000000000000"

static struct vfa_host host = VFA_HOST_INIT;
static char state_path[128];
static char written[64]; /* the numbers that were written, as "0 8 " */
static int refuse_at;    /* number that the kernel refuses, -1: none */
static bool kept;        /* no program could claim while a number was written */
static bool die;         /* kill this program when it writes the first number */
static struct vfa_config config;

int __wrap_vfa_sysfs_write_u32(int dirfd, const char *name, uint32_t value);
bool __wrap_vfa_patience_wait(struct vfa_patience *patience);

/* Waits without sleeping. */
bool __wrap_vfa_patience_wait(struct vfa_patience *patience)
{
    return patience->deadline != 0 && patience->pause_ms++ < 30;
}

static int claim_by(struct vfa_state *state, const char *device, const char *parent)
{
    const struct vfa_claim c = {.device = (char *)device,
                                .keys = made_keys(device, parent, -1),
                                .kind = (char *)"pci",
                                .uuid = (char *)UUID,
                                .domain = (char *)"db1",
                                .request = (char *)"n-0",
                                .alias = (char *)"net",
                                .state = VFA_CLAIM_CLAIMED};

    return vfa_state_claim(state, &c, NULL);
}

/* Another program can write to the state and finish releasing claims, but cannot claim a VF. */
static void meet(bool had)
{
    struct vfa_host other = {.config = &config, .sysfs = host.sysfs};
    sqlite3 *db = NULL;

    CHECK(sqlite3_open(state_path, &db) == SQLITE_OK &&
              sqlite3_exec(db, "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL, NULL) == SQLITE_OK,
          "the state file is locked");
    sqlite3_close(db);
    if (!had || vfa_state_open(state_path, "/nonexistent", VFA_STATE_WRITE, &other.state, NULL))
        return;
    CHECK(vfa_release_finish(&other, VFA_RELEASE_ONCE, NULL, NULL) == 0, "finish");
    kept = kept && claim_by(other.state, "0000:01:10.0", "0000:01:00.0") == VFA_STATE_TAKEN &&
           claim_by(other.state, "0000:01:00.0", NULL) == VFA_STATE_TAKEN;
    vfa_state_close(other.state);
}

static unsigned count_claims(void)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_all_claims(host.state, NULL, &claims, NULL) == 0, "claims");
    return (unsigned)claims.n;
}

int __wrap_vfa_sysfs_write_u32(int dirfd, const char *name, uint32_t value)
{
    char text[16];

    CHECK(strcmp(name, "sriov_numvfs") == 0, "%s", name);
    snprintf(written + strlen(written), sizeof(written) - strlen(written), "%u ", (unsigned)value);
    if (value == 0 && die)
        raise(SIGKILL);
    meet(written[0] == '0');
    if ((int)value == refuse_at)
        return -ENOMEM;
    snprintf(text, sizeof(text), "%u", (unsigned)value);
    made_file(PF "/sriov_numvfs", text);
    return 0;
}

static void make_device(const char *path, const char *driver)
{
    char name[96];

    snprintf(name, sizeof(name), "%s/vendor", path);
    made_file(name, "0x8086");
    snprintf(name, sizeof(name), "%s/device", path);
    made_file(name, "0x10c9");
    snprintf(name, sizeof(name), "%s/class", path);
    made_file(name, "0x020000");
    snprintf(name, sizeof(name), "%s/driver", path);
    if (driver)
        made_link(name, driver);
    else
        made_without(name);
}

/* A PF that can have 8 VFs and has `had` VFs, the first of them in sysfs; and a card without
 * SR-IOV. */
static void make_host(unsigned had)
{
    char number[16];

    made_without("bus");
    made_without("class");
    make_device(PF, "igb");
    made_link("class/net/eth2/device", "0000:01:00.0");
    made_folder(PF "/net/eth2");
    made_file(PF "/sriov_totalvfs", "8");
    snprintf(number, sizeof(number), "%u", had);
    made_file(PF "/sriov_numvfs", number);
    if (had) {
        make_device(VF, "igbvf");
        made_link(VF "/physfn", "../0000:01:00.0");
        made_link(PF "/virtfn0", "../0000:01:10.0");
        made_folder(VF "/net/eth2v0");
    }
    make_device(OTHER, "e1000e");
    made_file(OTHER "/sriov_totalvfs", "0");
    written[0] = '\0';
    refuse_at = -1;
    kept = true;
}

static struct vfa_sriov_report apply(const struct vfa_numvfs *want, bool dry_run)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_sriov_report report = {.outcome = (enum vfa_sriov_outcome)99};

    CHECK(vfa_sriov_apply(&host, want, dry_run, &report, &err) == 0, "%s", vfa_error_text(&err));
    return report;
}

static struct vfa_numvfs by_name(uint32_t n)
{
    return (struct vfa_numvfs){.devname = (char *)"eth2", .numvfs = n};
}

static struct vfa_numvfs by_address(uint8_t bus, uint8_t slot, uint32_t n)
{
    return (struct vfa_numvfs){.by_address = true, .addr = {0, bus, slot, 0}, .numvfs = n};
}

/* ---- numbers of VFs ---- */

static const struct {
    const char *label;
    unsigned had, want;
    int refuse_at;
    enum vfa_sriov_outcome outcome;
    const char *written, *detail;
} numbers[] = {
    {"none yet", 0, 8, -1, VFA_SRIOV_MADE, "8 ", ""},
    {"all there", 8, 8, -1, VFA_SRIOV_FINE, "", ""},
    {"more there", 8, 4, -1, VFA_SRIOV_MORE, "", ""},
    {"too few there", 4, 8, -1, VFA_SRIOV_MADE, "0 8 ", ""},
    {"too many wanted", 0, 9, -1, VFA_SRIOV_CANNOT, "", "it can have 8 VFs at most"},
    {"the kernel refuses", 0, 8, 8, VFA_SRIOV_CANNOT, "8 ",
     "sriov_numvfs = 8: Cannot allocate memory"},
    {"refuses to remove", 4, 8, 0, VFA_SRIOV_CANNOT, "0 ",
     "sriov_numvfs = 0: Cannot allocate memory"},
    {"refuses what is new", 4, 8, 8, VFA_SRIOV_CANNOT, "0 8 4 ",
     "sriov_numvfs = 8: Cannot allocate memory"},
};

static void test_numbers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct vfa_numvfs want = by_name(numbers[i].want);
        struct vfa_sriov_report report;

        make_host(numbers[i].had);
        report = apply(&want, true);
        CHECK(written[0] == '\0', "%s: looked only, and wrote %s", numbers[i].label, written);
        CHECK(numbers[i].refuse_at >= 0 || report.outcome == numbers[i].outcome, "%s: %d looked",
              numbers[i].label, (int)report.outcome);
        refuse_at = numbers[i].refuse_at;
        report = apply(&want, false);
        CHECK(report.outcome == numbers[i].outcome && report.had == numbers[i].had, "%s: %d",
              numbers[i].label, (int)report.outcome);
        CHECK(strcmp(written, numbers[i].written) == 0, "%s: wrote %s", numbers[i].label, written);
        CHECK(strcmp(report.detail, numbers[i].detail) == 0, "%s: %s", numbers[i].label,
              report.detail);
        CHECK(kept, "%s: VFs can be claimed while they go", numbers[i].label);
        CHECK(count_claims() == 0, "%s: kept from all longer", numbers[i].label);
        CHECK(report.addr.bus == 1, "%s", numbers[i].label);
    }
}

/* The program is killed while it removes the VFs. No domain gets a VF until a program finishes the
 * releasing claims or calls vfa_sriov_apply() again. */
static void test_killed(void)
{
    for (int i = 0; i < 2; i++) {
        struct vfa_numvfs want = by_name(8);
        int status = 0;
        pid_t pid;

        make_host(4);
        host.state = vfa_state_close(host.state);
        pid = fork();
        if (pid == 0) {
            die = true;
            vfa_state_open(state_path, "/nonexistent", VFA_STATE_WRITE, &host.state, NULL);
            apply(&want, false);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "%d", status);
        vfa_state_open(state_path, "/nonexistent", VFA_STATE_WRITE, &host.state, NULL);
        CHECK(claim_by(host.state, "0000:01:10.0", "0000:01:00.0") == VFA_STATE_TAKEN, "kept");
        CHECK(strcmp(apply(&want, true).detail, "another program removes them") == 0, "told");
        if (i == 0)
            CHECK(vfa_release_finish(&host, VFA_RELEASE_ONCE, NULL, NULL) == 0, "finish");
        else
            CHECK(apply(&want, false).outcome == VFA_SRIOV_MADE, "again");
        CHECK(count_claims() == 0, "%d: kept no longer", i);
    }
}

/* Another program has the lock of the PF. */
static void test_locked(void)
{
    struct vfa_numvfs want = by_name(8);
    VFA_AUTO(vfa_closep) int lock = -1;

    make_host(4);
    CHECK(vfa_lock_device(state_path, "0000:01:00.0", &lock, NULL) == 0, "lock");
    CHECK(strcmp(apply(&want, false).detail, "another program is at work on it") == 0, "told");
    CHECK(written[0] == '\0' && count_claims() == 0, "left alone");
}

static void test_cards(void)
{
    static const struct {
        const char *label;
        uint8_t bus, slot;
        const char *detail;
    } cards[] = {
        {"no such device", 7, 0, "there is no such device"},
        {"a VF", 1, 0x10, "it is a virtual function itself"},
        {"no SR-IOV", 2, 0,
         "it cannot have VFs: the device, or the host's firmware, has no SR-IOV"},
    };
    struct vfa_numvfs nobody = {.devname = (char *)"eth9", .numvfs = 8};

    make_host(4);
    for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
        struct vfa_numvfs want = by_address(cards[i].bus, cards[i].slot, 8);
        struct vfa_sriov_report report = apply(&want, false);

        CHECK(report.outcome == VFA_SRIOV_CANNOT && strcmp(report.detail, cards[i].detail) == 0,
              "%s: %s", cards[i].label, report.detail);
    }
    CHECK(strcmp(apply(&nobody, false).detail, "there is no such netdev of a PCI device") == 0,
          "no such netdev");
    CHECK(written[0] == '\0', "%s", written);
}

static void test_ready(void)
{
    struct vfa_numvfs name = by_name(8), address = by_address(1, 0, 8);

    make_host(0);
    CHECK(vfa_sriov_ready(&host.sysfs, &name) && vfa_sriov_ready(&host.sysfs, &address), "there");
    make_device(PF, NULL);
    CHECK(!vfa_sriov_ready(&host.sysfs, &address), "no driver yet");
    make_device(PF, "igb");
    made_without("class");
    CHECK(!vfa_sriov_ready(&host.sysfs, &name), "its netdev has another name yet");
    made_without(PF);
    CHECK(!vfa_sriov_ready(&host.sysfs, &address), "not there");
}

/* ---- VFs in use ---- */

static void claim(const char *device, const char *parent)
{
    CHECK(claim_by(host.state, device, parent) == 0, "%s", device);
}

static void expect_in_use(const char *label, const char *detail)
{
    struct vfa_numvfs want = by_name(8);

    for (int dry_run = 0; dry_run < 2; dry_run++) {
        struct vfa_sriov_report report = apply(&want, dry_run);

        CHECK(report.outcome == VFA_SRIOV_IN_USE && strcmp(report.detail, detail) == 0, "%s: %d %s",
              label, (int)report.outcome, report.detail);
        CHECK(written[0] == '\0', "%s: wrote %s", label, written);
    }
}

static void test_use(void)
{
    struct vfa_numvfs want = by_name(8);

    make_host(4);
    claim("0000:01:10.0", "0000:01:00.0");
    expect_in_use("a VF is claimed", "domain 'db1' holds 0000:01:10.0");
    vfa_state_release(host.state, UUID, NULL, NULL, NULL);
    make_device(VF, "vfio-pci");
    expect_in_use("a VF is given away", "0000:01:10.0 is bound to vfio-pci");
    make_device(VF, "mlx5_vfio_pci");
    expect_in_use("by a variant of VFIO's driver", "0000:01:10.0 is bound to mlx5_vfio_pci");
    make_device(VF, "igbvf");
    made_link(VF "/net/eth2v0/master", "../../br0");
    expect_in_use("a VF serves the host", "0000:01:10.0: eth2v0 belongs to br0");
    made_without(VF "/net/eth2v0/master");
    made_link(VF "/dp0/subsystem", "../../../bus/vdpa");
    expect_in_use("a guest has it as vDPA", "0000:01:10.0: vDPA device dp0 is made of it");

    make_host(4);
    made_file(VF "/class", "0x010802");
    made_link("class/block/nvme0n1", "../../devices/0000:01:10.0/nvme/nvme0/nvme0n1");
    made_link("fs/btrfs/8e0a/devices/nvme0n1", "x");
    expect_in_use("the host has its disk",
                  "0000:01:10.0: nvme0n1 belongs to a file system that is mounted");
    made_without("fs");

    make_host(4);
    claim("0000:01:00.0", NULL);
    expect_in_use("the PF is claimed", "domain 'db1' holds 0000:01:00.0");
    make_host(0);
    make_device(PF, "vfio-pci");
    expect_in_use("the PF is given away", "it is bound to vfio-pci itself");
    make_device(PF, "igb");
    CHECK(apply(&want, false).outcome == VFA_SRIOV_MADE, "given back, and claimed a while longer");
    vfa_state_release(host.state, UUID, NULL, NULL, NULL);
}

/* A state that was lost while domains run has no claims: all VFs count as in use. */
static void test_claims_unknown(void)
{
    struct vfa_numvfs want = by_name(8);
    char run[128], file[160];

    snprintf(run, sizeof(run), "%s/run", made_root);
    snprintf(file, sizeof(file), "%s/db1.xml", run);
    made_file("run/db1.xml", "<domstatus/>");
    vfa_state_close(host.state);
    unlink(state_path);
    host.state = NULL;
    CHECK(vfa_state_open(state_path, run, VFA_STATE_WRITE, &host.state, NULL) == 0, "open");
    make_host(4);
    expect_in_use("claims are unknown",
                  "the claims of running domains are not known yet: start vfaliasd");
    make_host(0);
    CHECK(apply(&want, false).outcome == VFA_SRIOV_MADE, "nobody has one of none");
    vfa_state_set_synced(host.state, NULL);
}

int main(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    host.sysfs = made_begin();
    snprintf(state_path, sizeof(state_path), "%s/state", made_root);
    if (vfa_state_open(state_path, "/nonexistent", VFA_STATE_WRITE, &host.state, &err) != 0)
        return 1;
    config.state_path = state_path;
    host.config = &config;
    test_numbers();
    test_killed();
    test_locked();
    test_cards();
    test_ready();
    test_use();
    test_claims_unknown();
    host.state = vfa_state_close(host.state);
    made_end(&host.sysfs);
    return check_result();
}
