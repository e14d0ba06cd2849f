/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are made for a claim and destroyed when it ends, with the made kernel (tests/kernel):
 * settings, refusals, leftovers, and programs that are killed at each point. The program is linked
 * with --wrap for vfa_child_run(), which gets a shorter time limit.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/child.h"
#include "device/made-name.h"
#include "device/maker.h"
#include "device/mdev.h"
#include "device/vdpa-node.h"
#include "device/vdpa.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/quarantine.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/made.h"
#include "provision/provisioner.h"
#include "claim/release.h"
#include "check.h"
#include "made-kernel.h"

#include <errno.h>
#include <string.h>

#define UUID    "aaaaaaaa-0000-4000-8000-000000000000"
#define REQUEST "net-0"
#define SIM     "mgmtdev:vdpasim_net"      /* does not take max_vqp */
#define CARD    "mgmtdev:pci/0000:3b:00.2" /* takes all, makes 2 */
#define BARE    "mgmtdev:pci/0000:3b:00.3" /* takes nothing */
#define MTTY    "mdev-type:mtty/mtty-2"    /* makes 2 */
#define OTHERS  "mdev:7a3f0e52-d19b-4c77-8e24-51c0a73df816"
#define MAC     "52:54:00:01:02:03"

static char run[64], state_path[96], sysfs_root[96], link_path[192], vdpa[32], mdev[48];
static struct vfa_config config = {.sysfs_root = sysfs_root, .state_path = state_path};
static unsigned limit_ms, warnings;
static char warned[512];

int __real_vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret,
                         struct vfa_error *err);
int __wrap_vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret,
                         struct vfa_error *err);

int __wrap_vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret,
                         struct vfa_error *err)
{
    struct vfa_child shorter = *child;

    if (limit_ms)
        shorter.limit_ms = limit_ms;
    return __real_vfa_child_run(&shorter, ret, err);
}

/* ---- a host, and a claim ---- */

static void warn(const char *text)
{
    warnings++;
    snprintf(warned, sizeof(warned), "%s", text);
}

static struct vfa_host open_host(void)
{
    struct vfa_host host = {.config = &config, .sysfs = sysfs, .warn = warn};

    if (vfa_state_open(state_path, run, VFA_STATE_WRITE, &host.state, NULL) != 0)
        made_give_up(state_path);
    return host;
}

static void close_host(struct vfa_host *host)
{
    host->state = vfa_state_close(host->state);
}

static struct vfa_claim the_claim(const char *device, const char *maker)
{
    return (struct vfa_claim){.device = (char *)device,
                              .kind = (char *)(*device == 'v' ? "vdpa" : "mdev"),
                              .maker = (char *)maker,
                              .uuid = (char *)UUID,
                              .domain = (char *)"d",
                              .request = (char *)REQUEST,
                              .alias = (char *)"net",
                              .state = VFA_CLAIM_CLAIMED,
                              .since = 1000};
}

/* A new claim of a device. */
static struct vfa_host begin(const char *device, const char *maker)
{
    struct vfa_host host = open_host();
    const struct vfa_claim claim = the_claim(device, maker);

    warnings = 0;
    limit_ms = 0;
    CHECK(vfa_state_claim(host.state, &claim, NULL) == 0, "%s", device);
    return host;
}

static int apply_desired(struct vfa_host *host, const char *device, const char *maker,
                         const struct vfa_desired *desired, struct vfa_error *err)
{
    const struct vfa_claim claim = the_claim(device, maker);

    return vfa_provisioner_apply(host, &claim, desired, err);
}

static int apply(struct vfa_host *host, const char *device, const char *maker,
                 struct vfa_error *err)
{
    const struct vfa_desired desired = {.kind = VFA_ATTACH_VDPA, .mac = MAC};

    return apply_desired(host, device, maker, &desired, err);
}

static unsigned count_records(struct vfa_host *host)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};

    CHECK(vfa_state_saved(host->state, NULL, &list, NULL) == 0, "records");
    return (unsigned)list.n;
}

static unsigned count_claims(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_all_claims(host->state, NULL, &claims, NULL) == 0, "claims");
    return (unsigned)claims.n;
}

static bool exists(const char *device)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/sys/bus/%.4s/devices/%s", made_root, device, device + 5);
    return access(path, F_OK) == 0;
}

static bool has_record_line(const char *device, const char *line)
{
    char path[160], text[256];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "%s/kernel/vdpa/%s", made_root, device + 5);
    file = fopen(path, "r");
    while (file && !found && fgets(text, sizeof(text), file)) {
        text[strcspn(text, "\n")] = '\0';
        found = strcmp(text, line) == 0;
    }
    if (file)
        fclose(file);
    return found;
}

/* The link leads to a node. */
static bool is_linked(void)
{
    struct stat st;

    return lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode) && access(link_path, F_OK) == 0;
}

static bool has_link(void)
{
    struct stat st;

    return lstat(link_path, &st) == 0;
}

/* Ends the claim in both steps; returns how many are left. */
static size_t release(struct vfa_host *host)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release(host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
    CHECK(vfa_release_finish(host, VFA_RELEASE_ONCE, &left, NULL) == 0, "finish");
    return left.n;
}

static size_t finish(struct vfa_host *host)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release_finish(host, VFA_RELEASE_WAIT, &left, NULL) == 0, "finish");
    return left.n;
}

static void check_clean(struct vfa_host *host, const char *device, const char *when)
{
    CHECK(!exists(device) && !has_link() && count_records(host) == 0 && count_claims(host) == 0,
          "%s: %d %d %u %u", when, exists(device), has_link(), count_records(host),
          count_claims(host));
    close_host(host);
}

static void check_refusal(int r, int want, const struct vfa_error *err, const char *text)
{
    CHECK(r == want && check_has(err, text), "%d: %s", r, vfa_error_text(err));
}

/* ---- a usual life ---- */

static void test_vdpa(void)
{
    const struct vfa_desired desired = {
        .kind = VFA_ATTACH_VDPA, .mac = MAC, .vdpa = {.max_vqp = 1, .mtu = 9000}};
    struct vfa_host host = begin(vdpa, CARD);

    CHECK(apply_desired(&host, vdpa, CARD, &desired, NULL) == 0 && warnings == 0, "made");
    CHECK(exists(vdpa) && is_linked() && has_record_line(vdpa, "mac " MAC) &&
              has_record_line(vdpa, "max_vqp 1") && has_record_line(vdpa, "mtu 9000"),
          "as it is wanted");
    CHECK(count_records(&host) == 1, "on record");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "vdpa");
}

static void test_mdev(void)
{
    struct vfa_host host = begin(mdev, MTTY);

    CHECK(apply(&host, mdev, MTTY, NULL) == 0 && exists(mdev) && !has_link(), "made");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, mdev, "mdev");
}

static unsigned count_calls(const char *call)
{
    char path[160], line[256];
    unsigned n = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/kernel/calls", made_root);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        n += strcmp(line, call) == 0;
    }
    if (file)
        fclose(file);
    return n;
}

/* What is complete is used; what was changed meanwhile, or is wanted otherwise, is made again. */
static void test_twice(void)
{
    const struct vfa_desired other = {.kind = VFA_ATTACH_VDPA, .mac = "52:54:00:00:00:09"};
    struct vfa_host host = begin(vdpa, CARD);
    char new_call[64];
    unsigned before;

    snprintf(new_call, sizeof(new_call), "new %s", vdpa + 5);
    CHECK(apply(&host, vdpa, CARD, NULL) == 0, "made");
    before = count_calls(new_call);
    CHECK(apply(&host, vdpa, CARD, NULL) == 0 && count_calls(new_call) == before, "complete");
    CHECK(unlink(link_path) == 0 && apply(&host, vdpa, CARD, NULL) == 0 && is_linked() &&
              count_calls(new_call) > before,
          "without its link");
    before = count_calls(new_call);
    CHECK(apply_desired(&host, vdpa, CARD, &other, NULL) == 0 &&
              has_record_line(vdpa, "mac 52:54:00:00:00:09"),
          "another address");
    CHECK(vfa_vdpa_delete(&sysfs, vdpa + 5, LIMIT, NULL) == 0 &&
              apply_desired(&host, vdpa, CARD, &other, NULL) == 0 && exists(vdpa) && is_linked(),
          "somebody has deleted it");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "twice");
}

/* ---- what an element names ---- */

static void test_other_path(void)
{
    char path[160], folder[160];
    struct vfa_desired desired = {.kind = VFA_ATTACH_VDPA, .path = path};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, SIM);
    int r;

    snprintf(folder, sizeof(folder), "%s/vdpa/by hand", run);
    snprintf(path, sizeof(path), "%s/vdpa/by hand/a b", run);
    CHECK(apply_desired(&host, vdpa, SIM, &desired, NULL) == 0 && access(path, F_OK) == 0 &&
              !has_link(),
          "made there");
    CHECK(release(&host) == 0 && access(folder, F_OK) < 0, "released");
    check_clean(&host, vdpa, "other path");
    host = begin(vdpa, SIM);
    snprintf(path, sizeof(path), "%s/vdpa/../x", run);
    r = apply_desired(&host, vdpa, SIM, &desired, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "is made under a path below");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "a path that is not below");
}

/* A symbolic link in the way. */
static void test_attack(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, SIM);
    char folder[160];
    int r;

    snprintf(folder, sizeof(folder), "%s/vdpa/%s", run, UUID);
    made_folder("elsewhere");
    made_folder("run/vdpa");
    CHECK(symlink("../../elsewhere", folder) == 0, "%s", folder);
    r = apply(&host, vdpa, SIM, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "cannot use the link");
    CHECK(!exists(vdpa), "it is destroyed again");
    made_without("elsewhere");
    CHECK(unlink(folder) == 0 && release(&host) == 0, "released");
    check_clean(&host, vdpa, "attack");
}

/* ---- refusals ---- */

static void test_settings(void)
{
    struct vfa_desired desired = {
        .kind = VFA_ATTACH_VDPA, .mac = MAC, .vdpa = {.max_vqp = 2, .mtu = 1400}};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, SIM);
    int r = apply_desired(&host, vdpa, SIM, &desired, &err);

    check_refusal(r, VFA_VF_REFUSED, &err, "does not support the settings: max_vqp");
    CHECK(!exists(vdpa) && count_records(&host) == 0, "nothing is made");
    desired.policy = VFA_SETTINGS_BEST_EFFORT;
    CHECK(apply_desired(&host, vdpa, SIM, &desired, NULL) == 0 && warnings == 1, "%u", warnings);
    CHECK(strstr(warned, "domain 'd': request 'net-0': ") &&
              strstr(warned, "is made without max_vqp: "),
          "%s", warned);
    CHECK(has_record_line(vdpa, "mtu 1400") && has_record_line(vdpa, "mac " MAC), "all others");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "settings");
    host = begin(vdpa, BARE);
    CHECK(apply_desired(&host, vdpa, BARE, &desired, NULL) == 0 && warnings == 1 &&
              strstr(warned, " without mac, mtu, max_vqp: "),
          "%s", warned);
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "bare");
    host = begin(vdpa, BARE);
    CHECK(apply(&host, vdpa, BARE, NULL) == 0 && warnings == 1 && strstr(warned, "without mac: "),
          "the policy does not matter for the address: %s", warned);
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "address");
}

static void test_full(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_error_clear) struct vfa_error err2 = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, CARD);
    struct vfa_vdpa_wanted others = {.name = "o1", .mgmtdev = "pci/0000:3b:00.2"};
    int r;

    CHECK(vfa_vdpa_add(&sysfs, &others, LIMIT, NULL) == 0, "another's");
    others.name = "o2";
    CHECK(vfa_vdpa_add(&sysfs, &others, LIMIT, NULL) == 0, "another's");
    r = apply(&host, vdpa, CARD, &err);
    check_refusal(r, VFA_VF_FULL, &err, "the management device can make no more");
    CHECK(count_records(&host) == 0, "so the claim can end at once");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "full");
    CHECK(vfa_vdpa_delete(&sysfs, "o1", LIMIT, NULL) == 0 &&
              vfa_vdpa_delete(&sysfs, "o2", LIMIT, NULL) == 0,
          "others");
    host = begin(mdev, MTTY);
    for (unsigned i = 0; i < 2; i++) {
        char uuid[48];

        snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-00000000000%u", i);
        CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-2", uuid, LIMIT, NULL) == 0, "another's");
    }
    r = apply(&host, mdev, MTTY, &err2);
    check_refusal(r, VFA_VF_FULL, &err2, "the parent can make no more");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, mdev, "full parent");
    for (unsigned i = 0; i < 2; i++) {
        char uuid[48];

        snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-00000000000%u", i);
        CHECK(vfa_mdev_remove(&sysfs, uuid, LIMIT, NULL) == 0, "others");
    }
}

static void test_makers(void)
{
    static const struct {
        const char *maker, *text;
    } cases[] = {{"mgmtdev:none", "its maker mgmtdev:none is gone"},
                 {MTTY, "makes no such devices"}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = begin(vdpa, cases[i].maker);
        int r = apply(&host, vdpa, cases[i].maker, &err);

        check_refusal(r, VFA_VF_REFUSED, &err, cases[i].text);
        CHECK(release(&host) == 0, "released");
        check_clean(&host, vdpa, cases[i].maker);
    }
}

/* A device that another program has made under the UUID that an element names. */
static void test_others(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(OTHERS, MTTY);
    int r;

    CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-2", OTHERS + 5, LIMIT, NULL) == 0, "others");
    r = apply(&host, OTHERS, MTTY, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "exists already, and vfalias has not made it");
    CHECK(count_records(&host) == 0 && release(&host) == 0 && exists(OTHERS), "stays");
    CHECK(vfa_mdev_remove(&sysfs, OTHERS + 5, LIMIT, NULL) == 0, "others");
    close_host(&host);
    host = begin(OTHERS, MTTY);
    CHECK(apply(&host, OTHERS, MTTY, NULL) == 0 && exists(OTHERS), "vfalias' own");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, OTHERS, "own");
}

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
    char name[VFA_MADE_VDPA_SIZE], uuid[VFA_UUID_SIZE];

    made_kernel_begin();
    made_vdpa_host();
    made_mdev_host();
    made_folder("sys/devices/bare");
    made_mgmtdev("pci!0000:3b:00.3", "devices/bare", 0, "0");
    made_folder("run");
    snprintf(run, sizeof(run), "%s/run", made_root);
    snprintf(state_path, sizeof(state_path), "%s/state", run);
    snprintf(sysfs_root, sizeof(sysfs_root), "%s/sys", made_root);
    snprintf(link_path, sizeof(link_path), "%s/vdpa/%s/%s", run, UUID, REQUEST);
    snprintf(vdpa, sizeof(vdpa), "vdpa:%s", vfa_made_vdpa_name(UUID, REQUEST, name));
    snprintf(mdev, sizeof(mdev), "mdev:%s", vfa_made_uuid(UUID, REQUEST, uuid));
    test_vdpa();
    test_mdev();
    test_twice();
    test_other_path();
    test_attack();
    test_settings();
    test_full();
    test_makers();
    test_others();
    test_left_over();
    test_open();
    test_quarantine();
    test_no_answer();
    test_killed();
    test_between();
    test_bad_record();
    test_errand();
    made_end(&sysfs);
    return check_result();
}
